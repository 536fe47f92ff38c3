import type { Endpoint, Verdict } from '../strategies/shared/contract.ts';
import type { RecentLatency } from '../strategies/shared/latency-histogram.ts';

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
