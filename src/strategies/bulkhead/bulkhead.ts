import type { Clock, Timer } from '../../common/clock.ts';
import type { Admission, CallInfo, Guard, Permit, Verdict } from '../shared/contract.ts';
import { FifoQueue, WaitingCall } from '../shared/fifo-queue.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import type { BulkheadOptions } from './options.ts';
import { BulkheadFullRejection, BulkheadTimeoutRejection } from './rejection.ts';

export interface BulkheadDeps {
  /** The upstream's name, as it stands in errors. */
  readonly upstream: string;
  readonly clock: Clock;
}

/** A bulkhead, read at one moment. */
export interface BulkheadReading {
  readonly executing: number;
  readonly queued: number;
  /** The limit of now. */
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  /** Between what the limit moves; only where it adapts. */
  readonly adaptive?: { readonly min: number; readonly max: number };
}

/** Keeps the calls in flight to one upstream below a limit, so that a slow one cannot take everything the app has. */
export class Bulkhead implements Guard {
  readonly #upstream: string;
  readonly #clock: Clock;
  readonly #queued = new FifoQueue<QueuedCall>();
  #options: BulkheadOptions;
  /** Undefined: the limit stays what the options say. */
  #adaptive: AdaptiveLimit | undefined;
  #executing = 0;
  #handingOver = false;

  constructor(options: BulkheadOptions, deps: BulkheadDeps) {
    this.#options = options;
    this.#adaptive = adaptiveOf(options);
    this.#upstream = deps.upstream;
    this.#clock = deps.clock;
  }

  acquire(_call: CallInfo, _nowMs: number): Admission {
    const { maxQueue } = this.#options;
    // A slot that is free while calls wait is about to be theirs.
    if (this.#executing < this.#limit && this.#queued.length === 0) return this.#occupy();
    if (this.#queued.length >= maxQueue) return new BulkheadFullRejection(this.#upstream, this.#limit, maxQueue);
    return this.#queue();
  }

  get timesHeads(): boolean {
    return this.#adaptive !== undefined;
  }

  snapshot(): BulkheadReading {
    const { maxConcurrent, maxQueue, adaptive } = this.#options;
    const reading = { executing: this.#executing, queued: this.#queued.length, maxConcurrent: this.#limit, maxQueue };
    return adaptive === undefined ? reading : { ...reading, adaptive: { min: adaptive.min, max: maxConcurrent } };
  }

  /**
   * Goes on under other options. What runs and what waits stays, under the queue timeout it began with. A limit that
   * adapts goes on from where it is.
   */
  reconfigure(options: BulkheadOptions, nowMs: number): void {
    this.#options = options;
    if (options.adaptive === undefined || this.#adaptive === undefined) this.#adaptive = adaptiveOf(options);
    else this.#adaptive.reconfigure(options.adaptive, options.maxConcurrent);
    this.#handOver(nowMs);
  }

  get #limit(): number {
    return this.#adaptive?.limit ?? this.#options.maxConcurrent;
  }

  #occupy(): Slot {
    this.#executing++;
    if (this.#adaptive === undefined) return new Slot(this.#vacate);
    return new TimedSlot(this.#vacate, this.#adaptive, this.#executing, this.#onLimitMoved);
  }

  /** The limit has moved: if it rose, there is room for some who wait. */
  readonly #onLimitMoved = (nowMs: number): void => {
    if (this.#queued.length > 0) this.#handOver(nowMs);
  };

  // One function for all slots: a call that need not wait makes nothing but its slot.
  readonly #vacate = (nowMs: number): void => {
    this.#executing--;
    this.#handOver(nowMs);
  };

  /**
   * Gives free slots to those who wait. A call may end inside its own admission (its circuit is open), which frees the
   * slot again: the loop that is running takes care of that one too, or else a long line would be a deep stack.
   */
  #handOver(nowMs: number): void {
    if (this.#handingOver) return;
    this.#handingOver = true;
    let next = this.#queued.first;
    while (next !== undefined && this.#executing < this.#limit) {
      this.#leave(next);
      const slot = this.#occupy();
      if (!next.settle(slot, nowMs)) slot.release('ignored', nowMs);
      next = this.#queued.first;
    }
    this.#handingOver = false;
  }

  #queue(): QueuedCall {
    const { queueTimeoutMs } = this.#options;
    const call = new QueuedCall((left) => this.#leave(left));
    // Nothing else may be keeping the process up: the caller has no socket yet, and awaits this.
    call.timer = this.#clock.schedule(() => this.#expire(call, queueTimeoutMs), queueTimeoutMs, true);
    this.#queued.enqueue(call);
    return call;
  }

  #leave(call: QueuedCall): boolean {
    if (!this.#queued.remove(call)) return false;
    this.#clock.cancel(call.timer);
    return true;
  }

  #expire(call: QueuedCall, queueTimeoutMs: number): void {
    if (!this.#leave(call)) return;
    call.settle(new BulkheadTimeoutRejection(this.#upstream, queueTimeoutMs), this.#clock.now());
  }
}

/** One of the places in flight. */
class Slot implements Permit {
  readonly kind = 'permit';
  #vacate: ((nowMs: number) => void) | undefined;

  constructor(vacate: (nowMs: number) => void) {
    this.#vacate = vacate;
  }

  /** Only the first time: a slot freed twice would be two slots. */
  release(_verdict: Verdict, nowMs: number): void {
    const vacate = this.#vacate;
    this.#vacate = undefined;
    vacate?.(nowMs);
  }
}

/** One that tells the limit how its call fared. */
class TimedSlot extends Slot {
  readonly #limit: AdaptiveLimit;
  /** Calls in flight when this one began, itself included. */
  readonly #inFlight: number;
  readonly #moved: (nowMs: number) => void;

  constructor(vacate: (nowMs: number) => void, limit: AdaptiveLimit, inFlight: number, moved: (nowMs: number) => void) {
    super(vacate);
    this.#limit = limit;
    this.#inFlight = inFlight;
    this.#moved = moved;
  }

  headCame(headMs: number, nowMs: number): void {
    this.#limit.responded(headMs, this.#inFlight, nowMs);
    this.#moved(nowMs);
  }

  headTimedOut(): void {
    this.#limit.timedOut();
  }
}

function adaptiveOf({ adaptive, maxConcurrent }: BulkheadOptions): AdaptiveLimit | undefined {
  return adaptive === undefined ? undefined : new AdaptiveLimit(adaptive, maxConcurrent);
}

class QueuedCall extends WaitingCall {
  timer: Timer = undefined;
  readonly #leave: (call: QueuedCall) => void;

  constructor(leave: (call: QueuedCall) => void) {
    super();
    this.#leave = leave;
  }

  cancel(): void {
    this.#leave(this);
  }
}
