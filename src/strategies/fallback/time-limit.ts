import type { Clock } from '../../common/clock.ts';

/** Longest wait for something of the app's, where no total timeout ends it earlier. */
export const APP_TIMEOUT_MS = 10_000;
/** When the total time is over: enough for an answer that is at hand. */
const GRACE_MS = 100;

export const TOO_LATE = Symbol('too late');

export interface TimeLimit {
  readonly ms: number;
  readonly clock: Clock;
  /** Whether nothing else keeps the process up while the app is awaited. */
  readonly holdsProcess: boolean;
}

/** How long to wait for the app within what is left of the call's total time. */
export function limitWithin(remainingMs: number): number {
  return remainingMs > 0 ? Math.min(remainingMs, APP_TIMEOUT_MS) : GRACE_MS;
}

/** What `work` comes to, or `TOO_LATE`; what it comes to after that is dropped, be it an error. */
export function within<T>(work: Promise<T>, { ms, clock, holdsProcess }: TimeLimit): Promise<T | typeof TOO_LATE> {
  return new Promise((resolve, reject) => {
    const timer = clock.schedule(() => resolve(TOO_LATE), ms, holdsProcess);
    work.then(
      (value) => {
        clock.cancel(timer);
        resolve(value);
      },
      (error: unknown) => {
        clock.cancel(timer);
        reject(error);
      },
    );
  });
}
