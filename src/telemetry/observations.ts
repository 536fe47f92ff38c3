import type { Attributes } from '@opentelemetry/api';
import type { UpstreamSnapshot } from '../engine/snapshot.ts';
import { modeOf } from './event-record.ts';
import { ATTR, BULKHEAD_STATES, CIRCUIT_STATES, type METRICS, UPSTREAM_STATES } from './names.ts';
import type { UpstreamKeys } from './upstream-keys.ts';

/**
 * What observable instruments report of the engine's state. Several entries can come to the same attributes: upstreams
 * beyond the limit, and one upstream under two policies. Series of counts are then added up, ratios averaged by weight,
 * as two observations of one series would count only the last.
 */

export interface Observation {
  readonly attributes: Attributes;
  readonly value: number;
}

/** Adds up, or averages if values come with a weight. */
class Series {
  readonly #entries = new Map<string, { readonly attributes: Attributes; sum: number; weight: number }>();

  add(attributes: Attributes, value: number): void {
    this.#entry(attributes).sum += value;
  }

  average(attributes: Attributes, value: number, weight: number): void {
    const entry = this.#entry(attributes);
    entry.sum += value * weight;
    entry.weight += weight;
  }

  *[Symbol.iterator](): Generator<Observation> {
    for (const { attributes, sum, weight } of this.#entries.values()) {
      yield { attributes, value: weight === 0 ? sum : sum / weight };
    }
  }

  #entry(attributes: Attributes) {
    const key = JSON.stringify(attributes);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { attributes, sum: 0, weight: 0 };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

/** The keys of the instruments in METRICS that are read, not recorded. */
export type ObservedMetric = {
  [K in keyof typeof METRICS]: (typeof METRICS)[K]['instrument'] extends `observable_${string}` ? K : never;
}[keyof typeof METRICS];

export type Observations = Readonly<Record<ObservedMetric, Iterable<Observation>>>;

export function observe(snapshots: readonly UpstreamSnapshot[], keys: UpstreamKeys): Observations {
  const series = {
    circuitStatus: new Series(),
    circuitFailureRatio: new Series(),
    upstreamErrorRatio: new Series(),
    upstreamStatus: new Series(),
    rejections: new Series(),
    retries: new Series(),
    hedges: new Series(),
    fallbacks: new Series(),
    admissionProbability: new Series(),
    bulkheadUsage: new Series(),
    bulkheadLimit: new Series(),
    retryBudget: new Series(),
  };
  for (const snapshot of snapshots) {
    observeCircuits(series, snapshot, keys);
    observeHealth(series, snapshot, keys.keyOf(snapshot.upstream));
    observeTotals(series, snapshot, keys.keyOf(snapshot.upstream));
    observeLimits(series, snapshot, keys.keyOf(snapshot.upstream));
  }
  return series;
}

type AllSeries = Record<ObservedMetric, Series>;

function observeCircuits(
  series: AllSeries,
  { policy, upstream, circuits, mode }: UpstreamSnapshot,
  keys: UpstreamKeys,
): void {
  for (const circuit of circuits) {
    const named = {
      [ATTR.policyName]: policy,
      [ATTR.circuitName]: keys.circuitKeyOf(upstream, circuit.name),
      ...modeOf(mode),
    };
    for (const state of CIRCUIT_STATES) {
      series.circuitStatus.add({ ...named, [ATTR.circuitState]: state }, circuit.state === state ? 1 : 0);
    }
    if (circuit.failureRatio !== undefined) {
      series.circuitFailureRatio.average(named, circuit.failureRatio, Math.max(circuit.counted, 1));
    }
  }
}

function observeHealth(
  series: AllSeries,
  { errorRatio, calls, unhealthy, mode }: UpstreamSnapshot,
  upstream: string,
): void {
  const named = { [ATTR.upstreamName]: upstream, ...modeOf(mode) };
  if (errorRatio !== undefined) series.upstreamErrorRatio.average(named, errorRatio, Math.max(calls, 1));
  for (const state of UPSTREAM_STATES) {
    series.upstreamStatus.add({ ...named, [ATTR.upstreamState]: state }, (state === 'unhealthy') === unhealthy ? 1 : 0);
  }
}

function observeTotals(series: AllSeries, snapshot: UpstreamSnapshot, upstream: string): void {
  const named = { [ATTR.policyName]: snapshot.policy, [ATTR.upstreamName]: upstream, ...modeOf(snapshot.mode) };
  const totals = [
    [series.rejections, ATTR.rejectionReason, snapshot.rejections],
    [series.retries, ATTR.retryReason, snapshot.retries],
    [series.hedges, ATTR.hedgeOutcome, snapshot.hedges],
    [series.fallbacks, ATTR.fallbackSource, snapshot.fallbacks],
  ] as const;
  for (const [target, attribute, counts] of totals) {
    for (const [kind, count] of Object.entries(counts)) target.add({ ...named, [attribute]: kind }, count);
  }
}

function observeLimits(
  series: AllSeries,
  { admission, bulkhead, retryBudget, mode, calls }: UpstreamSnapshot,
  upstream: string,
): void {
  const named = { [ATTR.upstreamName]: upstream, ...modeOf(mode) };
  if (admission !== undefined) series.admissionProbability.average(named, admission.probability, Math.max(calls, 1));
  if (bulkhead !== undefined) {
    const limits = { executing: bulkhead.maxConcurrent, queued: bulkhead.maxQueue };
    for (const state of BULKHEAD_STATES) {
      const attributes = { ...named, [ATTR.bulkheadState]: state };
      series.bulkheadUsage.add(attributes, bulkhead[state]);
      series.bulkheadLimit.add(attributes, limits[state]);
    }
  }
  if (retryBudget !== undefined) series.retryBudget.add(named, retryBudget);
}
