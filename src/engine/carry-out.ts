import { type Action, RELEASE, WAIT } from './action.ts';
import type { AttemptState } from './attempt-state.ts';
import { deliver, endCall } from './call-end.ts';
import { countRetry } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { awaitHedge, limitAttempt, timersOf } from './deadlines.ts';
import { errorType } from './error-type.ts';
import { abandon, ignoringErrors } from './faults.ts';

/** What has been decided of a call, and how it is done to its exchange. */

export function proceed(call: CallState): void {
  const action = call.pending;
  call.pending = undefined;
  if (action !== undefined) carryOut(call, action);
}

/** Takes the place of what was decided before and not done yet, which its adapter is still to ask for. */
export function take(call: CallState, action: Action): void {
  const waits = call.reporting || call.pending !== undefined;
  drop(call);
  if (waits && action !== WAIT) call.pending = action;
  else carryOut(call, action);
}

export function drop(call: CallState): void {
  const action = call.pending;
  call.pending = undefined;
  if (action?.kind === 'attempt') action.release('ignored', call.context.clock.now());
}

function carryOut(call: CallState, action: Action): void {
  if (action.kind === 'wait') return;
  const nowMs = action.kind === 'attempt' ? call.context.clock.now() : 0;
  if (action.kind === 'attempt' && call.attempts > 0 && !call.replayable()) {
    // What the app has written since is too much to be sent again, or not complete: the outcome it has is the last.
    action.release('ignored', nowMs);
    return carryOut(call, surrender(call, nowMs));
  }
  try {
    perform(call, action, nowMs);
  } catch (error) {
    // An adapter that cannot do it: a call that fails is better than one that never ends.
    abandon(call, error);
    ignoringErrors(call, () => call.exchange.fail(error as Error));
  }
}

function perform(call: CallState, action: Action, nowMs: number): void {
  const { exchange } = call;
  switch (action.kind) {
    case 'attempt':
      // What was held is thrown away with the next attempt: from here on only that one counts.
      call.held = undefined;
      launch(call, action, nowMs);
      return exchange.send(action);
    case 'fail':
      return exchange.fail(action.error);
    case 'respond':
      return exchange.respond(action.response);
    case 'release':
      return exchange.release();
    case 'wait':
  }
}

export function launch(call: CallState, attempt: AttemptState, nowMs: number): void {
  const { hedge } = call.pipeline.parts;
  call.phase = 'in_flight';
  call.attempt = attempt;
  attempt.startedAtMs = nowMs;
  call.endpoint = attempt.endpoint;
  call.attempts = attempt.number;
  if (attempt.retryReason !== undefined) {
    countRetry(call, attempt.retryReason);
    call.retries++;
    // The same endpoint once more: what the primary did so far doesn't count yet.
    if (attempt.endpoint.target === undefined) call.primaryFailed = false;
  }
  if (limitAttempt(call, attempt, nowMs)) timersOf(call).attempt(attempt.dueAtMs, nowMs);
  else call.timers?.arm(nowMs);
  if (hedge !== undefined) awaitHedge(call, nowMs);
}

/** Nothing is left to try: the app gets the last real outcome, or, if there was none, our error. */
export function surrender(call: CallState, nowMs: number): Action {
  const real = call.held ?? call.latest;
  if (real === undefined) return RELEASE;
  if (real.kind === 'response') {
    deliver(call, real, nowMs);
    return RELEASE;
  }
  if (real.kind === 'rejection') {
    endCall(call, 'rejected', errorType(real), nowMs);
    return { kind: 'fail', error: real.rejection.toError() };
  }
  endCall(call, 'failure', errorType(real), nowMs);
  return RELEASE;
}
