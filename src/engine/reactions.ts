import { TimeoutError } from '../errors.ts';
import type { Endpoint, Outcome, RecoveryAction, Rejection } from '../strategies/shared/contract.ts';
import { type Action, WAIT } from './action.ts';
import { cancelQueue } from './admission.ts';
import { AttemptState } from './attempt-state.ts';
import { acquireAttempt } from './attempts.ts';
import { endCall, judgeCurrent } from './call-end.ts';
import { emit, emitRejection } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { surrender, take } from './carry-out.ts';
import { firstDue, timersOf } from './deadlines.ts';
import { decide, substitute } from './decide.ts';
import { enterFlow } from './faults.ts';

/** What comes of an outcome that the app has not seen, of a refusal of ours, and of time that is over. */

export function react(call: CallState, outcome: Outcome, nowMs: number): Action | undefined {
  call.latest = outcome;
  const decision = decide(call, outcome, nowMs);
  if (decision === undefined) return undefined;
  // Before another attempt takes its place: that one has a verdict of its own.
  if (outcome.kind === 'response') judgeCurrent(call, outcome.verdict, nowMs);
  if (decision.kind === 'respond') {
    endCall(call, 'fallback', undefined, nowMs);
    return decision;
  }
  if (call.phase === 'in_flight') call.phase = 'paused';
  if (decision.kind === 'await') return awaitAnswer(call, decision.answer, decision.outcome);
  if (decision.kind === 'attempt') return decision;
  call.retry = { endpoint: call.endpoint, reason: decision.reason };
  timersOf(call).pause(nowMs + decision.afterMs, nowMs);
  return WAIT;
}

/** We refused: the recoveries may have something better than our error. */
export function reject(call: CallState, rejection: Rejection, nowMs: number): Action {
  emitRejection(call, rejection);
  const outcome: Outcome = { kind: 'rejection', rejection };
  return react(call, outcome, nowMs) ?? surrender(call, nowMs);
}

/** The attempt to make, or what comes of the circuit's refusal. */
export function acquire(call: CallState, endpoint: Endpoint, nowMs: number): Action {
  const attempt = acquireAttempt(call, endpoint, nowMs);
  if (attempt.kind === 'attempt') return attempt;
  if (call.mode === 'enforce') return reject(call, attempt, nowMs);
  emitRejection(call, attempt);
  return new AttemptState(call.attempts + 1, endpoint, undefined);
}

/** Only a substitute is worth waiting for; a recovery that fails, or has none, leaves the outcome itself. */
function awaitAnswer(call: CallState, answer: Promise<RecoveryAction | undefined>, outcome: Outcome): Action {
  call.phase = 'paused';
  const settle = (action: RecoveryAction | undefined): void => {
    if (call.phase !== 'paused') return;
    const nowMs = call.context.clock.now();
    if (action?.kind === 'response') {
      const answered = substitute(call, action, outcome);
      endCall(call, 'fallback', undefined, nowMs);
      take(call, answered);
    } else if (outcome.kind === 'unhealthy') take(call, acquire(call, call.pipeline.parts.primary, nowMs));
    else take(call, surrender(call, nowMs));
  };
  const settled = (action?: RecoveryAction): void => enterFlow(call, () => settle(action));
  void answer.then(settled, () => settled());
  return WAIT;
}

/** Whether the adapter has to hold the outcome it reports, because something is done about it. */
export function holds(call: CallState, outcome: Outcome, nowMs: number): boolean {
  if (call.pipeline.parts.recoveries.length === 0) return false;
  const before = call.held;
  if (outcome.kind !== 'rejection') call.held = outcome;
  call.reporting = true;
  const action = react(call, outcome, nowMs);
  call.reporting = false;
  if (action === undefined) call.held = before;
  else if (action !== WAIT) call.pending = action;
  return action !== undefined;
}

export function tryAgain(call: CallState): void {
  const retry = call.retry;
  if (retry === undefined || call.phase !== 'paused') return;
  const action = acquire(call, retry.endpoint, call.context.clock.now());
  if (action.kind === 'attempt') action.retryReason = retry.reason;
  take(call, action);
}

export function onAttemptTimeout(call: CallState): void {
  const attempt = firstDue(call);
  const timeoutMs = call.pipeline.parts.timeouts?.attemptMs ?? 0;
  emit(call, { type: 'call_timed_out', scope: 'attempt', timeoutMs });
  if (call.mode === 'observe' || attempt === undefined) return;
  call.exchange.cancel(attempt, new TimeoutError(attempt.endpoint.name, 'attempt', timeoutMs));
}

export function onTotalTimeout(call: CallState): void {
  const timeoutMs = call.pipeline.parts.timeouts?.totalMs ?? 0;
  emit(call, { type: 'call_timed_out', scope: 'total', timeoutMs });
  if (call.mode === 'observe') return;
  const error = new TimeoutError(call.upstream, 'total', timeoutMs);
  // What it says of the last one is what becomes of the call.
  for (const rival of call.rivals?.slice() ?? []) call.exchange.cancel(rival, error);
  if (call.phase === 'in_flight' && call.attempt !== undefined) return call.exchange.cancel(call.attempt, error);
  const nowMs = call.context.clock.now();
  cancelQueue(call, nowMs);
  call.timers?.cancelPause();
  take(call, reject(call, { kind: 'rejection', reason: 'total_timeout', toError: () => error }, nowMs));
}
