import { TimeoutError } from '../errors.ts';
import type { Outcome, ResponseHead, Verdict } from '../strategies/shared/contract.ts';
import { isTimeout } from '../strategies/verdict/network-errors.ts';
import { cancelQueue } from './admission.ts';
import type { AttemptState } from './attempt-state.ts';
import { judge } from './attempts.ts';
import { deliver, endCall, finish, judgeCurrent } from './call-end.ts';
import { countHedge } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { drop } from './carry-out.ts';
import { typeOfError } from './error-type.ts';
import type { Attempt, Disposition } from './exchange.ts';
import { missHead, timeHead } from './head-latency.ts';
import { dropOut, win } from './race.ts';
import { holds } from './reactions.ts';

/** What an adapter reports of a call, as the call takes it. */

export function onHead(call: CallState, attempt: Attempt, head: ResponseHead): Disposition {
  const current = attemptInFlight(call, attempt);
  if (current === undefined) return 'deliver';
  const { classifier, responseObservers, reactsToHeads } = call.pipeline;
  const verdict = classifier.status(head.status);
  call.sent = true;
  if (call.rivals !== undefined) return onRacingHead(call, current, head, verdict);
  if (current.hedge) countHedge(call, current, verdict === 'failure' ? 'failed' : 'won');
  if (verdict === 'success' && !reactsToHeads && !current.timesHead) {
    // Nobody needs to know when it came, and reading the clock is a third of what a decision costs.
    call.timers?.cancelAll();
    call.phase = 'body';
    call.result = 'success';
    return 'deliver';
  }
  const nowMs = call.context.clock.now();
  call.timers?.cancelAttempt();
  // What a fallback endpoint asks for is not the upstream's wish.
  if (current.endpoint.target === undefined) for (const guard of responseObservers) guard.onResponse?.(head, nowMs);
  current.responded(nowMs);
  timeHead(call, current, verdict, nowMs);
  // A failure is known now; a success only at the end of the body.
  if (verdict !== 'success') judge(call, current, verdict, nowMs);
  const outcome: Outcome & { kind: 'response' } = { kind: 'response', verdict, head };
  if (holds(call, outcome, nowMs)) return 'hold';
  deliver(call, outcome, nowMs);
  return 'deliver';
}

export function onError(call: CallState, attempt: Attempt, error: Error): Disposition {
  const current = attemptInFlight(call, attempt);
  if (current === undefined) return 'deliver';
  const nowMs = call.context.clock.now();
  if (call.rivals === undefined) call.timers?.cancelAttempt();
  const outcome = judgeError(call, current, error, nowMs);
  // What says nothing of the upstream (misuse, a destroyed dispatcher) is the app's to know, at once.
  const silent = outcome.kind === 'error' && outcome.verdict === 'ignored';
  if (call.rivals !== undefined && !silent) return dropOut(call, current, nowMs);
  countHedge(call, current, 'failed');
  if (!silent && holds(call, outcome, nowMs)) return 'hold';
  endCall(call, 'failure', typeOfError(error), nowMs);
  return 'deliver';
}

export function onBodyEnd(call: CallState): void {
  if (call.phase !== 'body') return;
  const nowMs = call.context.clock.now();
  judgeCurrent(call, 'success', nowMs);
  finish(call, nowMs, true);
}

export function onBodyError(call: CallState, error: Error | undefined): void {
  if (call.phase !== 'body') return;
  const nowMs = call.context.clock.now();
  judgeCurrent(call, 'failure', nowMs);
  call.result = 'failure';
  call.errorType ??= error === undefined ? 'ECONNRESET' : typeOfError(error);
  finish(call, nowMs, false);
}

export function onUpgrade(call: CallState, attempt: Attempt, status: number): void {
  const current = attemptInFlight(call, attempt);
  if (current === undefined) return;
  const nowMs = call.context.clock.now();
  const verdict = call.pipeline.classifier.status(status);
  current.responded(nowMs);
  judge(call, current, verdict, nowMs);
  if (verdict === 'failure') endCall(call, 'failure', String(status), nowMs);
  else endCall(call, 'success', undefined, nowMs);
}

export function onAbort(call: CallState): void {
  drop(call);
  if (call.phase === 'ended') return;
  const nowMs = call.context.clock.now();
  cancelQueue(call, nowMs);
  // A body the app had no more use for was a success all the same; before the head there was nothing to judge.
  if (call.phase !== 'body') {
    call.result = 'failure';
    call.errorType = 'aborted';
  }
  finish(call, nowMs, false);
}

function judgeError(call: CallState, attempt: AttemptState, error: Error, nowMs: number): Outcome {
  if (error instanceof TimeoutError && error.scope === 'total') {
    call.sent = true;
    // A first attempt had all the time there was; a later one may have been cut off early through no fault of its own.
    if (attempt.number === 1) missHead(call, attempt, nowMs);
    judge(call, attempt, attempt.number === 1 ? 'failure' : 'ignored', nowMs);
    return { kind: 'rejection', rejection: { kind: 'rejection', reason: 'total_timeout', toError: () => error } };
  }
  const { classifier } = call.pipeline;
  const verdict = classifier.error(error);
  if (verdict === 'failure' && isTimeout(error)) missHead(call, attempt, nowMs);
  judge(call, attempt, verdict, nowMs);
  const neverSent = classifier.neverSent(error);
  if (!neverSent) call.sent = true;
  return { kind: 'error', verdict, error, neverSent };
}

/** One of several in flight has a head: a failure leaves the call to the others; whatever else it is, it wins. */
function onRacingHead(call: CallState, attempt: AttemptState, head: ResponseHead, verdict: Verdict): Disposition {
  const { responseObservers } = call.pipeline;
  const nowMs = call.context.clock.now();
  if (attempt.endpoint.target === undefined) for (const guard of responseObservers) guard.onResponse?.(head, nowMs);
  attempt.responded(nowMs);
  timeHead(call, attempt, verdict, nowMs);
  if (verdict !== 'success') judge(call, attempt, verdict, nowMs);
  if (verdict === 'failure') return dropOut(call, attempt, nowMs);
  win(call, attempt, nowMs);
  deliver(call, { kind: 'response', verdict, head }, nowMs);
  return 'deliver';
}

/** Undefined: the report comes too late to change anything. */
function attemptInFlight(call: CallState, attempt: Attempt): AttemptState | undefined {
  if (call.phase !== 'in_flight') return undefined;
  if (call.attempt === attempt) return call.attempt;
  return call.rivals?.find((rival) => rival === attempt);
}
