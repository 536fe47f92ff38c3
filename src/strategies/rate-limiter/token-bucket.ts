export interface TokenBucketOptions {
  readonly permits: number;
  readonly intervalMs: number;
  /** Tokens the bucket holds. */
  readonly burst: number;
}

/**
 * A bucket of `burst` tokens, into which `permits` trickle per interval. It holds no level that is added to, and so no
 * rounding error that grows: what is known is when it was last full and how many tokens were taken since, and the n-th
 * of those came due at a time that is one multiplication away.
 */
export class TokenBucket {
  #options: TokenBucketOptions;
  #fullAtMs: number;
  /** A whole number, but for the remainder that `reconfigure` carries over. */
  #taken = 0;

  constructor(options: TokenBucketOptions, nowMs: number) {
    this.#options = options;
    this.#fullAtMs = nowMs;
  }

  /** When the n-th token from now will be there, if none is taken before `fromMs`; never before `fromMs`. */
  dueAtMs(n: number, fromMs: number): number {
    const { burst } = this.#options;
    // Full again by then: nothing trickles in any more until a token is taken.
    const refilled = fromMs >= this.#refilledAtMs();
    const dueMs = refilled
      ? fromMs + this.#durationMs(n - burst)
      : this.#fullAtMs + this.#durationMs(this.#taken + n - burst);
    return Math.max(fromMs, dueMs);
  }

  isFull(nowMs: number): boolean {
    return nowMs >= this.#refilledAtMs();
  }

  /** Takes a token that is due. */
  take(nowMs: number): void {
    this.#settle(nowMs);
    this.#taken++;
  }

  /** Goes on under other options with the tokens it has, as far as they fit. */
  reconfigure(options: TokenBucketOptions, nowMs: number): void {
    this.#settle(nowMs);
    const missing = this.#taken - (nowMs - this.#fullAtMs) / this.#durationMs(1);
    const tokens = Math.min(this.#options.burst - missing, options.burst);
    this.#options = options;
    this.#fullAtMs = nowMs;
    this.#taken = options.burst - tokens;
  }

  #settle(nowMs: number): void {
    if (nowMs < this.#refilledAtMs()) return;
    this.#fullAtMs = nowMs;
    this.#taken = 0;
  }

  #refilledAtMs(): number {
    return this.#fullAtMs + this.#durationMs(this.#taken);
  }

  #durationMs(tokens: number): number {
    return (tokens * this.#options.intervalMs) / this.#options.permits;
  }
}
