import type { Clock, Timer } from '../../common/clock.ts';
import type { Admission, CallInfo, Guard, Permit, ResponseHead } from '../shared/contract.ts';
import { FifoQueue, WaitingCall } from '../shared/fifo-queue.ts';
import type { RateLimiterOptions } from './options.ts';
import { RateLimitedRejection } from './rejection.ts';
import { RetryAfterGate } from './retry-after-gate.ts';
import { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';

export interface RateLimiterDeps {
  /** The upstream's name, as it stands in errors. */
  readonly upstream: string;
  readonly clock: Clock;
  /** Milliseconds since 1970: a `Retry-After` may be a date. */
  readonly wallClockMs: () => number;
}

/** A token once taken is spent, whatever becomes of the call. */
const PERMIT: Permit = { kind: 'permit', release: () => {} };

/** Keeps the calls per time to one upstream below a limit, and away from it for as long as it asked in `Retry-After`. */
export class RateLimiter implements Guard {
  readonly #upstream: string;
  readonly #clock: Clock;
  readonly #wallClockMs: () => number;
  readonly #gate = new RetryAfterGate();
  readonly #queued = new FifoQueue<DelayedCall>();
  #options: RateLimiterOptions;
  /** Undefined: only the gate limits. */
  #bucket: TokenBucket | undefined;
  /** One for the whole line: it wakes the first. */
  #timer: Timer = undefined;

  constructor(options: RateLimiterOptions, deps: RateLimiterDeps) {
    this.#options = options;
    this.#upstream = deps.upstream;
    this.#clock = deps.clock;
    this.#wallClockMs = deps.wallClockMs;
    const bucket = bucketOptions(options);
    this.#bucket = bucket === undefined ? undefined : new TokenBucket(bucket, deps.clock.now());
  }

  acquire(_call: CallInfo, nowMs: number): Admission {
    const { maxWaitMs } = this.#options;
    // Those who wait have no token yet, but theirs come first.
    const dueMs = this.#dueAtMs(this.#queued.length + 1, nowMs);
    if (dueMs <= nowMs && this.#queued.length === 0) {
      this.#bucket?.take(nowMs);
      return PERMIT;
    }
    const latestMs = nowMs + maxWaitMs;
    if (dueMs > latestMs) return this.#reject(dueMs, nowMs);
    const call = new DelayedCall(latestMs, (left) => this.#leave(left));
    this.#queued.enqueue(call);
    if (this.#queued.length === 1) this.#wakeFirst(nowMs);
    return call;
  }

  onResponse(head: ResponseHead, nowMs: number): void {
    const { respectRetryAfter, maxRetryAfterMs } = this.#options;
    if (!respectRetryAfter || !this.#gate.onResponse(head, maxRetryAfterMs, nowMs, this.#wallClockMs())) return;
    this.#dismissHopeless(nowMs);
    this.#wakeFirst(nowMs);
  }

  /** A closed gate, or tokens taken that have not trickled in again. */
  isLimiting(nowMs: number): boolean {
    return this.#gate.opensAtMs > nowMs || this.#bucket?.isFull(nowMs) === false;
  }

  /** Goes on under other options with the tokens there are. Who waits goes on waiting, but for no longer than before. */
  reconfigure(options: RateLimiterOptions, nowMs: number): void {
    this.#options = options;
    const bucket = bucketOptions(options);
    if (bucket === undefined || this.#bucket === undefined) {
      this.#bucket = bucket === undefined ? undefined : new TokenBucket(bucket, nowMs);
    } else {
      this.#bucket.reconfigure(bucket, nowMs);
    }
    this.#gate.openBy(options.respectRetryAfter ? nowMs + options.maxRetryAfterMs : nowMs);
    this.#admitDue(nowMs);
    this.#dismissHopeless(nowMs);
    this.#wakeFirst(nowMs);
  }

  /** When the n-th call from now may go. */
  #dueAtMs(n: number, nowMs: number): number {
    const fromMs = Math.max(nowMs, this.#gate.opensAtMs);
    return this.#bucket === undefined ? fromMs : this.#bucket.dueAtMs(n, fromMs);
  }

  #reject(dueMs: number, nowMs: number): RateLimitedRejection {
    const gateMs = Math.max(0, this.#gate.opensAtMs - nowMs);
    return new RateLimitedRejection(this.#upstream, this.#options, { gateMs, retryAfterMs: dueMs - nowMs });
  }

  #admitDue(nowMs: number): void {
    let first = this.#queued.first;
    while (first !== undefined && this.#dueAtMs(1, nowMs) <= nowMs) {
      this.#queued.remove(first);
      this.#bucket?.take(nowMs);
      first.settle(PERMIT, nowMs);
      first = this.#queued.first;
    }
  }

  #onTimer(): void {
    const nowMs = this.#clock.now();
    this.#admitDue(nowMs);
    this.#wakeFirst(nowMs);
  }

  /** Rejects those for whom the wait has become too long: they had better know now. */
  #dismissHopeless(nowMs: number): void {
    const dismissed: Array<readonly [DelayedCall, RateLimitedRejection]> = [];
    let place = 1;
    for (let call = this.#queued.first; call !== undefined; ) {
      const { behind } = call;
      const dueMs = this.#dueAtMs(place, nowMs);
      if (dueMs > call.latestMs) {
        this.#queued.remove(call);
        dismissed.push([call, this.#reject(dueMs, nowMs)]);
      } else {
        place++;
      }
      call = behind;
    }
    // Only when the line is in order again, for what they do then may come back here.
    for (const [call, rejection] of dismissed) call.settle(rejection, nowMs);
  }

  /** Whoever left, the others move up: only that the line is empty makes a difference to the timer. */
  #leave(call: DelayedCall): void {
    if (!this.#queued.remove(call) || this.#queued.length > 0) return;
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #wakeFirst(nowMs: number): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    if (this.#queued.length === 0) return;
    // Whole milliseconds, as timers have them: rounded down, the first would be woken in vain.
    const waitMs = Math.ceil(this.#dueAtMs(1, nowMs) - nowMs);
    // Nothing else may be keeping the process up: the caller has no socket yet, and awaits this.
    this.#timer = this.#clock.schedule(() => this.#onTimer(), waitMs, true);
  }
}

function bucketOptions({ permits, intervalMs, burst }: RateLimiterOptions): TokenBucketOptions | undefined {
  return permits === undefined ? undefined : { permits, intervalMs, burst };
}

class DelayedCall extends WaitingCall {
  /** After this it waits no longer. */
  readonly latestMs: number;
  readonly #leave: (call: DelayedCall) => void;

  constructor(latestMs: number, leave: (call: DelayedCall) => void) {
    super();
    this.latestMs = latestMs;
    this.#leave = leave;
  }

  cancel(): void {
    this.#leave(this);
  }
}
