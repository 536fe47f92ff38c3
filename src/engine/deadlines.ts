import type { Clock, Timer } from '../common/clock.ts';

/** The timers one call may need: its total time, the attempt's time, and a pause (back-off) between attempts. */
export class Deadlines {
  readonly #clock: Clock;
  #total: Timer;
  #attempt: Timer;
  #pause: Timer;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  // A running attempt has a socket that keeps the process up, and a queued call waits for one; a pause has nothing.

  total(callback: () => void, ms: number): void {
    this.#total = this.#clock.schedule(callback, ms, false);
  }

  attempt(callback: () => void, ms: number): void {
    this.#attempt = this.#clock.schedule(callback, ms, false);
  }

  pause(callback: () => void, ms: number): void {
    this.#pause = this.#clock.schedule(callback, ms, true);
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
