import type { Clock, Timer } from '../common/clock.ts';

/** The timers one call may need: its total time, the attempt's time, and a pause (back-off) between attempts. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #fault: (error: unknown) => void;
  #total: Timer;
  #attempt: Timer;
  #pause: Timer;

  /** `fault` is told what a callback throws: from a timer, it would end the process. */
  constructor(clock: Clock, fault: (error: unknown) => void) {
    this.#clock = clock;
    this.#fault = fault;
  }

  // A running attempt has a socket that keeps the process up, and a queued call waits for one; a pause has nothing.

  total(callback: () => void, ms: number): void {
    this.#total = this.#schedule(callback, ms, false);
  }

  attempt(callback: () => void, ms: number): void {
    this.#attempt = this.#schedule(callback, ms, false);
  }

  pause(callback: () => void, ms: number): void {
    this.#pause = this.#schedule(callback, ms, true);
  }

  #schedule(callback: () => void, ms: number, holdsProcess: boolean): Timer {
    const run = (): void => {
      try {
        callback();
      } catch (error) {
        this.#fault(error);
      }
    };
    return this.#clock.schedule(run, ms, holdsProcess);
  }

  cancelAttempt(): void {
    if (this.#attempt === undefined) return;
    this.#clock.cancel(this.#attempt);
    this.#attempt = undefined;
  }

  cancelPause(): void {
    if (this.#pause === undefined) return;
    this.#clock.cancel(this.#pause);
    this.#pause = undefined;
  }

  cancelAll(): void {
    this.cancelAttempt();
    this.cancelPause();
    if (this.#total === undefined) return;
    this.#clock.cancel(this.#total);
    this.#total = undefined;
  }
}
