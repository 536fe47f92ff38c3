import type { CircuitState } from '../strategies/circuit-breaker/transition.ts';
import type { FallbackSource, RejectionReason } from '../strategies/shared/contract.ts';
import type { Mode } from '../strategies/shared/policy.ts';
import type { CallResult, HedgeOutcome } from './events.ts';
import type { Pipeline } from './pipeline.ts';

/** A circuit breaker, read at one moment. */
export interface CircuitSnapshot {
  /** The upstream's name, or `<upstream>/<host:port>` for a fallback endpoint. */
  readonly name: string;
  readonly state: CircuitState;
  /** Failures among the counted attempts of the window, 0..1; undefined below `minimumCalls`. */
  readonly failureRatio: number | undefined;
  /** Attempts the window counts now. */
  readonly counted: number;
  readonly failures: number;
  /** Milliseconds until an open circuit lets a probe through; 0 otherwise. */
  readonly retryAfterMs: number;
  /** Milliseconds in this state. */
  readonly sinceMs: number;
  /** Milliseconds since the circuit last let every attempt through, probes or not in between; 0 while it does. */
  readonly outageMs: number;
  /** Attempts it refused in that time. In observe mode: would have refused. */
  readonly rejectedInOutage: number;
}

/** Everything known of one upstream under one policy, read at one moment. */
export interface UpstreamSnapshot {
  readonly policy: string;
  readonly upstream: string;
  readonly mode: Mode;
  /** The primary's circuit first, then one for each fallback endpoint. Empty when the policy has no breaker. */
  readonly circuits: readonly CircuitSnapshot[];
  /** Failed calls among the last ones, 0..1; undefined before the first call. */
  readonly errorRatio: number | undefined;
  readonly unhealthy: boolean;
  /** The calls that `errorRatio` is of: the last ones that were let through. */
  readonly counted: number;
  /** Calls that have ended, since the upstream was first called. */
  readonly calls: number;
  /** The same, by what the app got. */
  readonly results: Readonly<Record<CallResult, number>>;
  /** Totals, likewise; only reasons that occurred. */
  readonly rejections: Readonly<Partial<Record<RejectionReason, number>>>;
  readonly retries: Readonly<Record<string, number>>;
  /** Attempts sent beside one that was late, by what became of them. */
  readonly hedges: Readonly<Partial<Record<HedgeOutcome, number>>>;
  readonly fallbacks: Readonly<Partial<Record<FallbackSource, number>>>;
  readonly admission: AdmissionSnapshot | undefined;
  readonly bulkhead: BulkheadSnapshot | undefined;
  /** Retries the budget would allow now; undefined when the policy has no budget. */
  readonly retryBudget: number | undefined;
}

export interface AdmissionSnapshot {
  /** The chance that the next call is refused, 0..1. */
  readonly probability: number;
}

export interface BulkheadSnapshot {
  readonly executing: number;
  readonly queued: number;
  /** The limit of now. */
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  /** Between what the limit moves; only where it adapts. */
  readonly adaptive?: { readonly min: number; readonly max: number };
}

export function snapshotOf(pipeline: Pipeline, nowMs: number): UpstreamSnapshot {
  const { parts, monitor, counts } = pipeline;
  return {
    policy: pipeline.policy,
    upstream: pipeline.upstream,
    mode: pipeline.mode,
    circuits: parts.breakers.map((breaker) => ({ name: breaker.name, ...breaker.snapshot(nowMs) })),
    errorRatio: monitor.errorRatio,
    unhealthy: monitor.unhealthy,
    counted: monitor.calls,
    calls: Object.values(counts.results).reduce((sum, ended) => sum + ended, 0),
    results: { ...counts.results },
    rejections: { ...counts.rejections },
    retries: { ...counts.retries },
    hedges: { ...counts.hedges },
    fallbacks: { ...counts.fallbacks },
    admission: parts.admission?.snapshot(nowMs),
    bulkhead: parts.bulkhead?.snapshot(),
    retryBudget: parts.budget?.remaining(nowMs),
  };
}
