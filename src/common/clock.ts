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

/**
 * Taken when the process starts. Tests that install fake timers later (sinon, jest, vitest), or environments that put
 * timers of another shape in place (jsdom: plain numbers), change the app's time and not ours: sockets go by real time.
 */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;
const monotonicNow = performance.now.bind(performance);

/** The process clock. */
export const systemClock: Clock = {
  now: () => monotonicNow(),
  schedule(callback, ms, holdsProcess) {
    const timer: { unref?: () => void } = startTimer(callback, ms);
    // They may have been of another shape even then: such a timer holds the process a little longer, nothing worse.
    if (!holdsProcess) timer.unref?.();
    return timer;
  },
  cancel(timer) {
    stopTimer(timer as NodeJS.Timeout);
  },
};
