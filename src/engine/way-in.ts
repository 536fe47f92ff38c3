import type { Permit, Queued, Rejection } from '../strategies/shared/contract.ts';
import { type Action, WAIT } from './action.ts';
import { leaveQueue, passGuards } from './admission.ts';
import { openCall } from './call-end.ts';
import type { CallState } from './call-state.ts';
import { launch, take } from './carry-out.ts';
import { timersOf } from './deadlines.ts';
import type { Attempt } from './exchange.ts';
import { enterFlow } from './faults.ts';
import { acquire, react, reject } from './reactions.ts';

/** From the call to its first attempt. */

export function begin(call: CallState): Attempt | undefined {
  const { timeouts } = call.pipeline.parts;
  const nowMs = call.context.clock.now();
  openCall(call, nowMs);
  if (timeouts?.totalMs !== undefined) timersOf(call).total(nowMs + timeouts.totalMs);
  call.reporting = true;
  const action = admit(call, nowMs);
  call.reporting = false;
  if (action.kind === 'attempt' && action.endpoint.target === undefined) {
    launch(call, action, nowMs);
    return action;
  }
  if (action !== WAIT) call.pending = action;
  call.timers?.arm(nowMs);
  return undefined;
}

/** Passes what call guards are left, and goes on to the first attempt. */
function admit(call: CallState, nowMs: number): Action {
  const { pipeline } = call;
  const obstacle = passGuards(call, nowMs);
  if (obstacle?.kind === 'rejection') return reject(call, obstacle, nowMs);
  if (obstacle?.kind === 'queued') return enqueue(call, obstacle, nowMs);
  if (pipeline.parts.failsOverWhenUnhealthy && pipeline.monitor.failover(nowMs)) {
    const elsewhere = react(call, { kind: 'unhealthy' }, nowMs);
    if (elsewhere !== undefined) return elsewhere;
  }
  return acquire(call, pipeline.parts.primary, nowMs);
}

function enqueue(call: CallState, queued: Queued, sinceMs: number): Action {
  call.phase = 'queued';
  queued.onSettled((admission, nowMs) => {
    // This runs on the stack of another call's end.
    enterFlow(call, () => goOn(call, admission, sinceMs, nowMs));
  });
  return WAIT;
}

function goOn(call: CallState, admission: Permit | Rejection, sinceMs: number, nowMs: number): void {
  leaveQueue(call, admission, nowMs - sinceMs);
  take(call, admission.kind === 'rejection' ? reject(call, admission, nowMs) : admit(call, nowMs));
}
