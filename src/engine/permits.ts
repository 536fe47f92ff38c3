import type { Permit, Verdict } from '../strategies/shared/contract.ts';

/** What a call holds of its guards until it ends. Each permit is released exactly once, whatever another one does. */
export class Permits {
  readonly #held: Permit[] = [];

  add(permit: Permit): void {
    this.#held.push(permit);
  }

  /** In the order of their guards. What throws is off the list by then: the rest can be released by another call. */
  releaseAll(verdict: Verdict, nowMs: number): void {
    for (let permit = this.#held.shift(); permit !== undefined; permit = this.#held.shift()) {
      permit.release(verdict, nowMs);
    }
  }

  headCame(headMs: number, nowMs: number): void {
    for (const permit of this.#held) permit.headCame?.(headMs, nowMs);
  }

  headTimedOut(nowMs: number): void {
    for (const permit of this.#held) permit.headTimedOut?.(nowMs);
  }

  get empty(): boolean {
    return this.#held.length === 0;
  }
}
