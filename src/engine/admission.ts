import type { Permit, Queued, Rejection } from '../strategies/shared/contract.ts';
import { emit, emitRejection } from './call-events.ts';
import type { CallState } from './call-state.ts';
import type { Permits } from './permits.ts';

/** A call's way past its call guards, from the outermost inwards. */
export class Admission {
  readonly #call: CallState;
  readonly #permits: Permits;
  #next = 0;
  #queued: Queued | undefined = undefined;

  constructor(call: CallState, permits: Permits) {
    this.#call = call;
    this.#permits = permits;
  }

  /** Goes on to the first guard that doesn't let the call pass at once. Undefined: it is past them all. */
  advance(nowMs: number): Rejection | Queued | undefined {
    const { callGuards } = this.#call.pipeline.parts;
    while (this.#next < callGuards.length) {
      const admission = callGuards[this.#next++]?.acquire(this.#call.exchange, nowMs);
      if (admission?.kind === 'permit') this.#permits.add(admission);
      else if (admission !== undefined && !this.#overrules(admission, nowMs)) return this.#stopped(admission);
    }
    return undefined;
  }

  /** The queue has let the call go, one way or the other. */
  settled(admission: Permit | Rejection, waitedMs: number): void {
    this.#queued = undefined;
    // First, so that it is given back whatever comes.
    if (admission.kind === 'permit') this.#permits.add(admission);
    emit(this.#call, { type: 'call_queued', waitedMs });
  }

  /** Leaves the queue, if the call is in one. */
  cancel(nowMs: number): void {
    const queued = this.#queued;
    this.#queued = undefined;
    queued?.cancel(nowMs);
  }

  #stopped(admission: Rejection | Queued): Rejection | Queued {
    if (admission.kind === 'queued') this.#queued = admission;
    return admission;
  }

  /** Observe mode: what would have been done is reported, and the call goes on without a permit. */
  #overrules(admission: Rejection | Queued, nowMs: number): boolean {
    if (this.#call.mode === 'enforce') return false;
    if (admission.kind === 'rejection') {
      emitRejection(this.#call, admission);
    } else {
      admission.cancel(nowMs);
      emit(this.#call, { type: 'call_queued', waitedMs: 0 });
    }
    return true;
  }
}
