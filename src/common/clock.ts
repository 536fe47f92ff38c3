/** A scheduled callback, as the clock that made it knows it. */
export type Timer = unknown;

/**
 * Where time comes from. Durations and deadlines are milliseconds of a monotonic clock, so that a change of the wall
 * clock never opens, closes or expires anything.
 */
export interface Clock {
  now(): number;
  /**
   * Calls `callback` once, `ms` from now. `holdsProcess` says whether the process must stay up for it: true where
   * nothing else would (a back-off has no socket), false where a socket does (a timeout of a running attempt).
   */
  schedule(callback: () => void, ms: number, holdsProcess: boolean): Timer;
  cancel(timer: Timer): void;
}

/** The process clock. Looks `performance` and the timers up at each use, so that fake timers apply. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(callback, ms, holdsProcess) {
    const timer = setTimeout(callback, ms);
    if (!holdsProcess) timer.unref();
    return timer;
  },
  cancel(timer) {
    clearTimeout(timer as NodeJS.Timeout);
  },
};
