import type { RetryBudgetOptions } from './options.ts';

const SLICES = 20;
/** One slice more than make up the window: see below. */
const RING = SLICES + 1;
/** So that 0.29 of 100 calls are 29, not 28.999999999999996. */
const ROUNDING = 1e-9;

/**
 * Bounds what an upstream in trouble gets on top of its calls: further attempts, be they retries or tries at a fallback
 * endpoint, are paid from a share of the calls of the last `windowMs`, plus a floor for those who make few.
 *
 * Both are counted by slices of the window, and in doubt against the spender: a call counts until the slice it came in
 * is the 20th from now, so for 19/20 of the window at least and never for longer than the window; what was spent counts
 * for one slice more, so for the whole window at least. So whenever something is spent, what was spent in the
 * `windowMs` up to then is at most `ratio` times the calls of that very time, plus the floor.
 */
export class RetryBudget {
  #options: RetryBudgetOptions;
  readonly #calls = new Array<number>(RING).fill(0);
  readonly #spent = new Array<number>(RING).fill(0);
  #callsInWindow = 0;
  #spentInWindow = 0;
  /** Number of the current slice, counted from the clock's zero. */
  #slice = 0;

  constructor(options: RetryBudgetOptions) {
    this.#options = options;
  }

  /** A call has begun. */
  deposit(nowMs: number): void {
    this.#advance(nowMs);
    this.#add(this.#calls);
    this.#callsInWindow++;
  }

  /** Pays for one further attempt, if there is enough. */
  tryWithdraw(nowMs: number): boolean {
    if (this.remaining(nowMs) < 1) return false;
    this.#add(this.#spent);
    this.#spentInWindow++;
    return true;
  }

  /** Further attempts it would pay for now. */
  remaining(nowMs: number): number {
    this.#advance(nowMs);
    const { ratio, minPerSecond, windowMs } = this.#options;
    const allowed = ratio * this.#callsInWindow + (minPerSecond * windowMs) / 1_000;
    return Math.max(0, Math.floor(allowed - this.#spentInWindow + ROUNDING));
  }

  /** Whether anything was spent in the window. */
  isDrawnOn(nowMs: number): boolean {
    this.#advance(nowMs);
    return this.#spentInWindow > 0;
  }

  /** Goes on under other options. Of another window, what has been counted belongs to its newest slice. */
  reconfigure(options: RetryBudgetOptions, nowMs: number): void {
    this.#advance(nowMs);
    const resized = options.windowMs !== this.#options.windowMs;
    this.#options = options;
    if (!resized) return;
    this.#calls.fill(0);
    this.#spent.fill(0);
    this.#slice = this.#sliceAt(nowMs);
    this.#calls[this.#slice % RING] = this.#callsInWindow;
    this.#spent[this.#slice % RING] = this.#spentInWindow;
  }

  #advance(nowMs: number): void {
    const slice = this.#sliceAt(nowMs);
    if (slice <= this.#slice) return;
    // After a long pause, one round clears it all.
    for (let next = Math.max(this.#slice + 1, slice - RING + 1); next <= slice; next++) this.#begin(next);
    this.#slice = slice;
  }

  /** Begins a slice: the oldest of the ring is forgotten to make room, and the calls of the one after it. */
  #begin(slice: number): void {
    const at = slice % RING;
    const oldest = (slice + 1) % RING;
    this.#spentInWindow -= this.#spent[at] ?? 0;
    this.#spent[at] = 0;
    this.#callsInWindow -= this.#calls[oldest] ?? 0;
    this.#calls[oldest] = 0;
  }

  #sliceAt(nowMs: number): number {
    return Math.floor((nowMs * SLICES) / this.#options.windowMs);
  }

  #add(counts: number[]): void {
    const at = this.#slice % RING;
    counts[at] = (counts[at] ?? 0) + 1;
  }
}
