import type { CallResult } from '../engine/events.ts';
import type { UpstreamSnapshot } from '../engine/snapshot.ts';
import type { Latency, Point, Results, UpstreamNow } from './document.ts';
import { PointHistory } from './history.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** What the page server itself keeps of one upstream, beside what the engine knows. */
export class UpstreamRecord {
  readonly history = new PointHistory();
  readonly #latency: LatencyHistogram;
  #sampled: Results = { success: 0, failure: 0, rejected: 0, fallback: 0 };

  constructor(nowMs: number) {
    this.#latency = new LatencyHistogram(nowMs);
  }

  /** On the path of every call, while the page server is on. */
  callEnded(result: CallResult, durationMs: number): void {
    if (result !== 'rejected') this.#latency.record(durationMs);
  }

  /** A snapshot of the engine with what is known here. */
  describe(snapshot: UpstreamSnapshot, nowMs: number): UpstreamNow {
    return describe(snapshot, roundLatency(this.#latency.read(nowMs)));
  }

  /** The next point: rates over the `elapsedMs` since the last one. */
  point(now: UpstreamNow, elapsedMs: number): Point {
    const rate = (result: CallResult): number =>
      round((1000 * (now.results[result] - this.#sampled[result])) / Math.max(elapsedMs, 1), 2);
    const point: Point = {
      errorRatio: now.errorRatio,
      success: rate('success'),
      failure: rate('failure'),
      rejected: rate('rejected'),
      fallback: rate('fallback'),
      p50Ms: now.latency?.p50Ms ?? null,
      p95Ms: now.latency?.p95Ms ?? null,
    };
    this.#sampled = now.results;
    return point;
  }
}

function describe(snapshot: UpstreamSnapshot, latency: Latency | null): UpstreamNow {
  const { policy, upstream, mode, unhealthy, results, rejections, retries, hedges, fallbacks } = snapshot;
  return {
    policy,
    upstream,
    mode,
    circuits: snapshot.circuits.map((circuit) => ({
      name: circuit.name,
      state: circuit.state,
      failureRatio: roundRatio(circuit.failureRatio),
      counted: circuit.counted,
      failures: circuit.failures,
      retryAfterMs: Math.round(circuit.retryAfterMs),
      sinceMs: Math.round(circuit.sinceMs),
      outageMs: Math.round(circuit.outageMs),
      rejectedInOutage: circuit.rejectedInOutage,
    })),
    errorRatio: roundRatio(snapshot.errorRatio),
    unhealthy,
    results,
    latency,
    rejections,
    retries,
    hedges,
    fallbacks,
    admission: snapshot.admission === undefined ? null : { probability: round(snapshot.admission.probability, 4) },
    bulkhead: snapshot.bulkhead ?? null,
    retryBudget: snapshot.retryBudget === undefined ? null : Math.floor(snapshot.retryBudget),
  };
}

export function roundRatio(ratio: number | undefined): number | null {
  return ratio === undefined ? null : round(ratio, 4);
}

function roundLatency(latency: Latency | null): Latency | null {
  return latency && { ...latency, p50Ms: round(latency.p50Ms, 1), p95Ms: round(latency.p95Ms, 1) };
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
