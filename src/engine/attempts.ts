import type { Endpoint, Rejection, Verdict } from '../strategies/shared/contract.ts';
import { AttemptState } from './attempt-state.ts';
import type { CallState } from './call-state.ts';

/** Takes the slot of the endpoint's circuit for the next attempt: always the last admission before the wire. */
export function acquireAttempt(call: CallState, endpoint: Endpoint, nowMs: number): AttemptState | Rejection {
  const number = call.attempts + 1;
  const { breaker } = endpoint;
  if (breaker === undefined) return new AttemptState(number, endpoint, undefined);
  const { context } = call;
  const outer = context.current;
  context.current = call;
  const admission = breaker.acquire(call.exchange, nowMs);
  context.current = outer;
  return admission.kind === 'permit' ? new AttemptState(number, endpoint, admission) : admission;
}

/** The verdict on an attempt; later ones on the same attempt change nothing. */
export function judge(call: CallState, attempt: AttemptState, verdict: Verdict, nowMs: number): void {
  if (attempt.judged) return;
  const { context } = call;
  const outer = context.current;
  context.current = call;
  if (attempt.endpoint.target === undefined) {
    call.primaryFailed = verdict === 'failure';
    if (verdict !== 'ignored') call.primaryVerdict = verdict;
    // Before the circuit hears of it: the probe that closes a circuit is evidence of health by then.
    if (verdict === 'success') call.pipeline.monitor.record(false);
  }
  attempt.release(verdict, nowMs);
  context.current = outer;
}

/** No further attempt on the primary will come: the monitor hears how it did. */
export function settleHealth(call: CallState): void {
  if (!call.primaryFailed) return;
  call.primaryFailed = false;
  const { context } = call;
  const outer = context.current;
  context.current = call;
  call.pipeline.monitor.record(true);
  context.current = outer;
}
