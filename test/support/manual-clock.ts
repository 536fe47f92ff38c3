import type { Clock, Timer } from '../../src/common/clock.ts';

interface Scheduled {
  readonly atMs: number;
  readonly callback: () => void;
  readonly holdsProcess: boolean;
}

/** A clock that stands still until it is told how far to go; due callbacks run in order of their time. */
export class ManualClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Set<Scheduled>();

  now(): number {
    return this.#nowMs;
  }

  schedule(callback: () => void, ms: number, holdsProcess: boolean): Timer {
    const timer: Scheduled = { atMs: this.#nowMs + Math.max(0, ms), callback, holdsProcess };
    this.#timers.add(timer);
    return timer;
  }

  cancel(timer: Timer): void {
    this.#timers.delete(timer as Scheduled);
  }

  /** Timers that are due some time. */
  get pending(): number {
    return this.#timers.size;
  }

  get pendingThatHoldTheProcess(): number {
    return [...this.#timers].filter((timer) => timer.holdsProcess).length;
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = endMs;
  }
}
