import type { Clock, Timer } from '../common/clock.ts';

/**
 * `attempt`: an attempt has had its time. `hedge`: it is time for another one beside it. `pause`: a back-off is over.
 * `total`: the call has had its time.
 */
export type DeadlineKind = 'attempt' | 'hedge' | 'pause' | 'total';

export interface DeadlineOwner {
  /** Must not throw: from a timer, that would end the process. */
  deadlineReached(kind: DeadlineKind): void;
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * The deadlines one call may have, and the one timer that serves them all: it is armed for the earliest, and armed again
 * only where a deadline comes that is earlier. A timer of the call's own, not one shared by many calls, because what
 * follows from a deadline must run in the async context of the call.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #owner: DeadlineOwner;
  #attemptAtMs = NEVER;
  #hedgeAtMs = NEVER;
  #pauseAtMs = NEVER;
  #totalAtMs = NEVER;
  #timer: Timer = undefined;
  #armedForMs = NEVER;
  #holdsProcess = false;

  constructor(clock: Clock, owner: DeadlineOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Not armed yet, for an earlier one mostly follows at once; `arm` has to be called if none does. */
  total(atMs: number): void {
    this.#totalAtMs = atMs;
  }

  attempt(atMs: number, nowMs: number): void {
    this.#attemptAtMs = atMs;
    this.arm(nowMs);
  }

  hedge(atMs: number, nowMs: number): void {
    this.#hedgeAtMs = atMs;
    this.arm(nowMs);
  }

  pause(atMs: number, nowMs: number): void {
    this.#pauseAtMs = atMs;
    this.arm(nowMs);
  }

  /** Nor is there another one to be sent beside it. */
  cancelAttempt(): void {
    this.#attemptAtMs = NEVER;
    this.#hedgeAtMs = NEVER;
  }

  cancelPause(): void {
    this.#pauseAtMs = NEVER;
    if (this.#holdsProcess) this.#disarm(); // else nothing but a timer that is due for nothing would keep it up
  }

  cancelAll(): void {
    this.#attemptAtMs = NEVER;
    this.#hedgeAtMs = NEVER;
    this.#pauseAtMs = NEVER;
    this.#totalAtMs = NEVER;
    this.#disarm();
  }

  /** Sees to it that the earliest deadline will be met. A timer that comes too early costs less than one moved. */
  arm(nowMs: number): void {
    const earliestMs = Math.min(this.#attemptAtMs, this.#hedgeAtMs, this.#pauseAtMs, this.#totalAtMs);
    // A running attempt has a socket that keeps the process up, and a queued call waits for one; a pause has nothing.
    const holdsProcess = this.#pauseAtMs !== NEVER;
    if (this.#armedForMs <= earliestMs && (this.#holdsProcess || !holdsProcess)) return;
    this.#disarm();
    if (earliestMs === NEVER) return;
    this.#armedForMs = earliestMs;
    this.#holdsProcess = holdsProcess;
    this.#timer = this.#clock.schedule(() => this.#fire(), Math.max(0, earliestMs - nowMs), holdsProcess);
  }

  #disarm(): void {
    if (this.#armedForMs === NEVER) return;
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#armedForMs = NEVER;
    this.#holdsProcess = false;
  }

  #fire(): void {
    const nowMs = this.#clock.now();
    // The platform's timers may be up to a millisecond early by the clock.
    const dueMs = Math.max(nowMs, this.#armedForMs);
    this.#armedForMs = NEVER;
    this.#holdsProcess = false;
    if (this.#attemptAtMs <= dueMs) {
      this.#attemptAtMs = NEVER;
      this.#owner.deadlineReached('attempt');
    }
    // Before the pause: what the call has no time for any more is not begun.
    if (this.#totalAtMs <= dueMs) {
      this.#totalAtMs = NEVER;
      this.#owner.deadlineReached('total');
    }
    if (this.#hedgeAtMs <= dueMs) {
      this.#hedgeAtMs = NEVER;
      this.#owner.deadlineReached('hedge');
    }
    if (this.#pauseAtMs <= dueMs) {
      this.#pauseAtMs = NEVER;
      this.#owner.deadlineReached('pause');
    }
    this.arm(nowMs);
  }
}
