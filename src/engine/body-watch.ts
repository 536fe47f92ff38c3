import type { Clock, Timer } from '../common/clock.ts';
import type { BodyObserver, CallProgress, ResponseHead } from '../strategies/shared/contract.ts';
import type { PipelineParts } from './pipeline.ts';

const EVENT_STREAM = /^\s*text\/event-stream/i;

/**
 * Calls `expired` when an upstream pauses in a body for longer than `idleMs`; an app that is slow to read is none of its
 * doing. One timer per pause checked, not one per chunk.
 */
class IdleWatch implements BodyObserver {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #awaitsReader: () => boolean;
  readonly #expired: () => void;
  #lastChunkMs: number;
  #timer: Timer;

  constructor(clock: Clock, idleMs: number, told: { awaitsReader: () => boolean; expired: () => void }) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#awaitsReader = told.awaitsReader;
    this.#expired = told.expired;
    this.#lastChunkMs = clock.now();
    this.#arm(idleMs);
  }

  chunk(): void {
    this.#lastChunkMs = this.#clock.now();
  }

  end(): void {
    this.#clock.cancel(this.#timer);
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.schedule(() => this.#check(), ms, false);
  }

  #check(): void {
    const leftMs = this.#lastChunkMs + this.#idleMs - this.#clock.now();
    if (leftMs > 0) this.#arm(leftMs);
    else if (this.#awaitsReader()) this.#arm(this.#idleMs);
    else this.#expired();
  }
}

/** Shows one body to several taps. One that throws is shown no more of it: the body is the app's. */
class GuardedTaps implements BodyObserver {
  #taps: readonly BodyObserver[];
  readonly #fault: (error: unknown) => void;

  constructor(taps: readonly BodyObserver[], fault: (error: unknown) => void) {
    this.#taps = taps;
    this.#fault = fault;
  }

  chunk(data: Uint8Array): void {
    for (const tap of this.#taps) {
      try {
        tap.chunk(data);
      } catch (error) {
        this.#drop(tap, error);
      }
    }
  }

  end(complete: boolean): void {
    for (const tap of this.#taps) {
      try {
        tap.end(complete);
      } catch (error) {
        this.#drop(tap, error);
      }
    }
  }

  #drop(tap: BodyObserver, error: unknown): void {
    this.#taps = this.#taps.filter((other) => other !== tap);
    this.#fault(error);
  }
}

/** What looks on while a delivered body goes by: the recoveries that want to keep it, and the idle timeout. */
export function watchBody(
  progress: CallProgress,
  parts: PipelineParts,
  clock: Clock,
  delivery: {
    readonly head: ResponseHead;
    readonly nowMs: number;
    readonly awaitsReader: () => boolean;
    readonly onIdle: (idleMs: number) => void;
    readonly fault: (error: unknown) => void;
  },
): BodyObserver | undefined {
  const { recoveries, timeouts } = parts;
  const idleMs = timeouts?.idleMs;
  if (recoveries.length === 0 && idleMs === undefined) return undefined;
  const taps: BodyObserver[] = [];
  for (const recovery of recoveries) {
    const tap = recovery.capture?.(progress, delivery.head, delivery.nowMs);
    if (tap !== undefined) taps.push(tap);
  }
  // An event stream may be silent for as long as nothing happens.
  if (idleMs !== undefined && !EVENT_STREAM.test(delivery.head.header('content-type') ?? '')) {
    const { awaitsReader, onIdle } = delivery;
    taps.push(new IdleWatch(clock, idleMs, { awaitsReader, expired: () => onIdle(idleMs) }));
  }
  return taps.length === 0 ? undefined : new GuardedTaps(taps, delivery.fault);
}
