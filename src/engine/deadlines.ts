import type { AttemptState } from './attempt-state.ts';
import type { CallState } from './call-state.ts';
import { Timers } from './timers.ts';

/** The timers of the call; most calls need none. */
export function timersOf(call: CallState): Timers {
  call.timers ??= new Timers(call.context.clock, call.deadlineOwner);
  return call.timers;
}

/**
 * Gives an attempt its time, if it has a limit that can strike before the call's: of equal limits its own must, so that
 * an upstream that never answers counts as failed.
 */
export function limitAttempt(call: CallState, attempt: AttemptState, nowMs: number): boolean {
  const attemptMs = call.pipeline.parts.timeouts?.attemptMs;
  if (attemptMs === undefined || attemptMs > call.remainingMs(nowMs)) return false;
  attempt.dueAtMs = nowMs + attemptMs;
  return true;
}

/** A head that is late by then gets an attempt beside it. Not one from elsewhere: that is a second try already. */
export function awaitHedge(call: CallState, nowMs: number): void {
  const { hedge } = call.pipeline.parts;
  if (hedge === undefined || call.attempt?.endpoint.target !== undefined) return;
  if (hedge.allows(call.exchange, call.hedges)) timersOf(call).hedge(nowMs + hedge.delayMs(nowMs), nowMs);
}

/** Of several in flight, the one whose time is up first is waited for. */
export function awaitNextDue(call: CallState, nowMs: number): void {
  const { dueAtMs } = firstDue(call) ?? { dueAtMs: Number.POSITIVE_INFINITY };
  if (Number.isFinite(dueAtMs)) timersOf(call).attempt(dueAtMs, nowMs);
}

/** The attempt whose time is up first. */
export function firstDue(call: CallState): AttemptState | undefined {
  if (call.rivals === undefined) return call.attempt;
  return inFlight(call).reduce((first, other) => (other.dueAtMs < first.dueAtMs ? other : first));
}

/** The attempts in flight, oldest first. */
export function inFlight(call: CallState): AttemptState[] {
  const youngest = call.attempt === undefined ? [] : [call.attempt];
  return call.rivals === undefined ? youngest : [...call.rivals, ...youngest];
}
