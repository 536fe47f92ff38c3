import type { Permit, Queued, Rejection } from '../strategies/shared/contract.ts';
import { emit, emitRejection } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { Permits } from './permits.ts';

/** A call's way past its call guards, from the outermost inwards. */

/** Goes on to the first guard that doesn't let the call pass at once. Undefined: it is past them all. */
export function passGuards(call: CallState, nowMs: number): Rejection | Queued | undefined {
  const { callGuards } = call.pipeline.parts;
  while (call.nextGuard < callGuards.length) {
    const admission = callGuards[call.nextGuard++]?.acquire(call.exchange, nowMs);
    if (admission?.kind === 'permit') hold(call, admission);
    else if (admission !== undefined && !isOverruled(call, admission, nowMs)) {
      if (admission.kind === 'queued') call.queued = admission;
      return admission;
    }
  }
  return undefined;
}

/** The queue has let the call go, one way or the other. */
export function leaveQueue(call: CallState, admission: Permit | Rejection, waitedMs: number): void {
  call.queued = undefined;
  // First, so that it is given back whatever comes.
  if (admission.kind === 'permit') hold(call, admission);
  emit(call, { type: 'call_queued', waitedMs });
}

/** Gives up the place in a queue, if the call has one. */
export function cancelQueue(call: CallState, nowMs: number): void {
  const { queued } = call;
  call.queued = undefined;
  queued?.cancel(nowMs);
}

function hold(call: CallState, permit: Permit): void {
  call.permits ??= new Permits();
  call.permits.add(permit);
}

/** Observe mode: what would have been done is reported, and the call goes on without a permit. */
function isOverruled(call: CallState, admission: Rejection | Queued, nowMs: number): boolean {
  if (call.mode === 'enforce') return false;
  if (admission.kind === 'rejection') {
    emitRejection(call, admission);
  } else {
    admission.cancel(nowMs);
    emit(call, { type: 'call_queued', waitedMs: 0 });
  }
  return true;
}
