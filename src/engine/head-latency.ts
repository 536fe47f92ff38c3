import type { Verdict } from '../strategies/shared/contract.ts';
import type { AttemptState } from './attempt-state.ts';
import type { CallState } from './call-state.ts';

/*
 * How long response heads of the upstream itself take, for those who must know: the quantiles of hedging, the limit of an
 * adaptive bulkhead. Failures are left out: they are mostly fast. One that ran out of time says that much.
 */

export function headCame(call: CallState, attempt: AttemptState, verdict: Verdict, nowMs: number): void {
  const { latency, timesSlots } = call.pipeline.parts;
  if (attempt.endpoint.target !== undefined || verdict === 'failure') return;
  const headMs = nowMs - attempt.startedAtMs;
  latency?.record(headMs, nowMs);
  if (timesSlots) call.permits?.timed(headMs, nowMs);
}

export function headTimedOut(call: CallState, attempt: AttemptState, nowMs: number): void {
  if (call.pipeline.parts.timesSlots && attempt.endpoint.target === undefined) call.permits?.timed(undefined, nowMs);
}
