import type { CircuitBreaker } from '../strategies/circuit-breaker/circuit-breaker.ts';
import type { HealthMonitor } from '../strategies/health/health-monitor.ts';
import type { Hedge } from '../strategies/hedge/hedge.ts';
import type { RetryBudget } from '../strategies/retry/budget.ts';
import type { Endpoint, FallbackSource, Guard, Recovery, RejectionReason } from '../strategies/shared/contract.ts';
import type { Assignment, Mode } from '../strategies/shared/policy.ts';
import type { TimeoutOptions } from '../strategies/timeout/options.ts';
import type { Classifier } from '../strategies/verdict/classifier.ts';
import type { CallResult, EventSource, HedgeOutcome } from './events.ts';
import type { HeadLatency } from './head-latency.ts';
import type { AdmissionSnapshot, BulkheadSnapshot } from './snapshot.ts';

/** What has been counted since the pipeline was made; plain numbers, read by whoever asks. */
export interface Counts {
  /** Calls that have ended. */
  readonly results: Record<CallResult, number>;
  // Made with the first of their kind: most upstreams never have one.
  rejections: Partial<Record<RejectionReason, number>> | undefined;
  retries: Record<string, number> | undefined;
  hedges: Partial<Record<HedgeOutcome, number>> | undefined;
  fallbacks: Partial<Record<FallbackSource, number>> | undefined;
}

/** What the strategies of one upstream under one policy come to (engine/build-pipeline.ts). */
export interface PipelineParts {
  readonly callGuards: readonly Guard[];
  readonly recoveries: readonly Recovery[];
  readonly primary: Endpoint;
  /** The primary's breaker first; as many as there are endpoints with one. */
  readonly breakers: readonly CircuitBreaker[];
  readonly timeouts: TimeoutOptions | undefined;
  /** Whether calls go to the fallback chain while the monitor calls the upstream unhealthy. */
  readonly failsOverWhenUnhealthy: boolean;
  /** Whether an attempt may be followed by another. */
  readonly mayResend: boolean;
  readonly maxReplayBytes: number;
  readonly admission: { snapshot(nowMs: number): AdmissionSnapshot } | undefined;
  readonly bulkhead: { snapshot(): BulkheadSnapshot } | undefined;
  /** Sends another attempt beside one that is late. */
  readonly hedge: Hedge | undefined;
  /** How long heads take; undefined where nobody wants to know. */
  readonly latency: HeadLatency | undefined;
  /** Of further attempts; every call pays in. */
  readonly budget: RetryBudget | undefined;
}

/** All state of one upstream under one policy, and the strategies in their order. Lives as long as the upstream is used. */
export class Pipeline implements EventSource {
  readonly policy: string;
  readonly upstream: string;
  readonly mode: Mode;
  readonly assignment: Assignment;
  readonly parts: PipelineParts;
  readonly classifier: Classifier;
  readonly monitor: HealthMonitor;
  readonly counts: Counts = {
    results: { success: 0, failure: 0, rejected: 0, fallback: 0 },
    rejections: undefined,
    retries: undefined,
    hedges: undefined,
    fallbacks: undefined,
  };
  readonly responseObservers: readonly Guard[];
  /** Whether anything of it wants to see a good response's head, and to know when it came. */
  readonly reactsToHeads: boolean;
  /** Whether the adapter must be ready for more than one outcome: a recovery may bring about another. */
  readonly buffersOutcome: boolean;
  readonly maxReplayBytes: number;
  /** Calls begun and not ended. */
  active = 0;
  lastUsedMs = 0;
  /** Set when the registry has dropped this pipeline: whoever kept a reference asks again. */
  evicted = false;

  constructor(
    identity: { readonly upstream: string; readonly mode: Mode; readonly assignment: Assignment },
    parts: PipelineParts,
    judges: { readonly classifier: Classifier; readonly monitor: HealthMonitor },
  ) {
    this.policy = identity.assignment.policy.name;
    this.upstream = identity.upstream;
    this.mode = identity.mode;
    this.assignment = identity.assignment;
    this.parts = parts;
    this.classifier = judges.classifier;
    this.monitor = judges.monitor;
    this.responseObservers = parts.callGuards.some(observes) ? parts.callGuards.filter(observes) : NONE;
    this.reactsToHeads =
      this.responseObservers.length > 0 ||
      parts.recoveries.length > 0 ||
      parts.timeouts?.idleMs !== undefined ||
      parts.latency !== undefined ||
      parts.callGuards.some((guard) => guard.timesHeads === true);
    // In observe mode nothing is repeated: the app's own request stays the only one.
    this.buffersOutcome = (parts.recoveries.length > 0 || parts.hedge !== undefined) && identity.mode === 'enforce';
    this.maxReplayBytes = this.buffersOutcome ? parts.maxReplayBytes : 0;
  }

  /** Whether forgetting this pipeline would change what happens to a call. */
  holdsState(nowMs: number): boolean {
    const { breakers, callGuards, budget } = this.parts;
    if (this.active > 0 || budget?.isDrawnOn(nowMs) === true) return true;
    if (breakers.some((breaker) => breaker.isLimiting(nowMs))) return true;
    return callGuards.some((guard) => guard.isLimiting?.(nowMs) === true);
  }
}

const NONE: readonly Guard[] = [];

function observes(guard: Guard): boolean {
  return guard.onResponse !== undefined;
}

/** Adds one to a sparse counter. */
export function count<K extends string>(
  counter: Partial<Record<K, number>> | undefined,
  key: K,
): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = counter ?? {};
  counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}
