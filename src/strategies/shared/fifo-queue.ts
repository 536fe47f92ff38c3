import type { Permit, Queued, Rejection } from './contract.ts';

type Admission = Permit | Rejection;

/** A call's place in a line. Settles once, and not after it has been given up. */
export abstract class WaitingCall implements Queued {
  readonly kind = 'queued';
  // Kept by the line.
  waiting = false;
  ahead: this | undefined = undefined;
  behind: this | undefined = undefined;

  #listener: ((admission: Admission, nowMs: number) => void) | undefined = undefined;
  #early: { readonly admission: Admission; readonly nowMs: number } | undefined = undefined;

  abstract cancel(nowMs: number): void;

  onSettled(listener: (admission: Admission, nowMs: number) => void): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) listener(early.admission, early.nowMs);
  }

  /**
   * False when the listener failed. Its error goes no further: this runs on the stack of another call, whose end must
   * not depend on it, or of a timer, where it would end the process.
   */
  settle(admission: Admission, nowMs: number): boolean {
    if (this.#listener === undefined) {
      this.#early = { admission, nowMs };
      return true;
    }
    try {
      this.#listener(admission, nowMs);
      return true;
    } catch {
      return false;
    }
  }
}

/** First come, first served. Leaving costs the same wherever one stands, however long the line. */
export class FifoQueue<C extends WaitingCall> {
  #first: C | undefined = undefined;
  #last: C | undefined = undefined;
  #length = 0;

  get first(): C | undefined {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  enqueue(call: C): void {
    call.waiting = true;
    call.ahead = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.behind = call;
    this.#last = call;
    this.#length++;
  }

  /** False: the call isn't in the line any more. */
  remove(call: C): boolean {
    if (!call.waiting) return false;
    call.waiting = false;
    const { ahead, behind } = call;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    call.ahead = undefined;
    call.behind = undefined;
    this.#length--;
    return true;
  }
}
