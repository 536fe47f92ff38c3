import type { Endpoint, Verdict } from '../strategies/shared/contract.ts';
import type { RecentLatency } from '../strategies/shared/latency-histogram.ts';
import type { CallState } from './call-state.ts';

interface Timed {
  readonly endpoint: Endpoint;
  readonly startedAtMs: number;
}

/** How long heads of the upstream itself take, for whoever waits for them. Failures are left out: they are mostly fast. */
export class HeadLatency {
  readonly recent: RecentLatency;

  constructor(recent: RecentLatency) {
    this.recent = recent;
  }

  observe({ endpoint, startedAtMs }: Timed, verdict: Verdict, nowMs: number): void {
    if (endpoint.target === undefined && verdict !== 'failure') this.recent.record(nowMs - startedAtMs, nowMs);
  }
}

/** A head came, or is known to take longer still: told to all that want to know how long. */
export function timeHead(call: CallState, attempt: Timed, verdict: Verdict, nowMs: number): void {
  call.pipeline.parts.latency?.observe(attempt, verdict, nowMs);
  // Refusals of the upstream, a 429 too, are quick: they say nothing of the time its answers take.
  if (verdict === 'success' && attempt.endpoint.target === undefined) {
    call.permits?.headCame(nowMs - attempt.startedAtMs, nowMs);
  }
}

/** A time limit struck first. */
export function missHead(call: CallState, { endpoint }: Timed, nowMs: number): void {
  if (endpoint.target === undefined) call.permits?.headTimedOut(nowMs);
}
