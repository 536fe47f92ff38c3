import type { Outcome, RecoveryAction, Substitute } from '../strategies/shared/contract.ts';
import type { AttemptState } from './attempt-state.ts';
import { acquireAttempt, settleHealth } from './attempts.ts';
import { countRetry, emitFallback, emitRejection, emitRetry } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { errorType } from './error-type.ts';

/** What is done about an outcome that the app has not seen. */
export type Decision =
  /** Another attempt at the same endpoint, after a pause. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs: number }
  /** An attempt elsewhere, which has its slot already. */
  | AttemptState
  | { readonly kind: 'respond'; readonly response: Substitute }
  /** A recovery needs time to make up its mind; `outcome` is what it was asked about. */
  | {
      readonly kind: 'await';
      readonly answer: Promise<RecoveryAction | undefined>;
      readonly outcome: Outcome;
    };

/** Asks the recoveries about an outcome, innermost first. Undefined: none has anything better. */
export function decide(call: CallState, outcome: Outcome, nowMs: number): Decision | undefined {
  let current = outcome;
  for (;;) {
    const action = ask(call, current, nowMs);
    if (action === undefined) return undefined;
    if (call.mode === 'observe') return wouldHave(call, action, outcome);
    if (action instanceof Promise) return { kind: 'await', answer: action, outcome: current };
    if (action.kind === 'response') return substitute(call, action, outcome);
    if (action.kind === 'retry') {
      emitRetry(call, action.reason, action.afterMs);
      return action;
    }
    const attempt = acquireAttempt(call, action.endpoint, nowMs);
    if (attempt.kind === 'attempt') {
      settleHealth(call);
      attempt.replaces = errorType(outcome);
      return attempt;
    }
    emitRejection(call, attempt);
    current = { kind: 'rejection', rejection: attempt };
  }
}

export function substitute(
  call: CallState,
  { response, source }: RecoveryAction & { kind: 'response' },
  outcome: Outcome,
): Decision & { kind: 'respond' } {
  call.fallbackSource = source;
  emitFallback(call, source, errorType(outcome));
  return { kind: 'respond', response };
}

function ask(
  call: CallState,
  outcome: Outcome,
  nowMs: number,
): RecoveryAction | undefined | Promise<RecoveryAction | undefined> {
  for (const recovery of call.pipeline.parts.recoveries) {
    const action = recovery.recover(call, outcome, nowMs);
    if (action !== undefined && isInTime(call, action, nowMs)) return action;
  }
  return undefined;
}

/** Whether there is time left for what a recovery wants; an answer takes none. */
function isInTime(call: CallState, action: RecoveryAction | Promise<unknown>, nowMs: number): boolean {
  return action instanceof Promise || action.kind === 'response' || call.remainingMs(nowMs) > 0;
}

/** Observe mode: says what would have been done, and does nothing. */
function wouldHave(
  call: CallState,
  action: RecoveryAction | Promise<RecoveryAction | undefined>,
  outcome: Outcome,
): undefined {
  // Nothing waits for it; what comes of it nobody knows.
  if (action instanceof Promise) action.catch(() => {});
  else if (action.kind === 'retry') {
    countRetry(call, action.reason);
    emitRetry(call, action.reason, action.afterMs);
  } else emitFallback(call, action.kind === 'endpoint' ? 'endpoint' : action.source, errorType(outcome));
}
