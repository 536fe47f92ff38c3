import { formatHostPort } from '../common/authority.ts';
import type { Clock } from '../common/clock.ts';
import { Admission } from '../strategies/admission/admission.ts';
import { Bulkhead } from '../strategies/bulkhead/bulkhead.ts';
import { CircuitBreaker } from '../strategies/circuit-breaker/circuit-breaker.ts';
import type { Transition } from '../strategies/circuit-breaker/transition.ts';
import { FallbackRecovery } from '../strategies/fallback/fallback-recovery.ts';
import { type HealthListener, HealthMonitor } from '../strategies/health/health-monitor.ts';
import { Hedge } from '../strategies/hedge/hedge.ts';
import { RateLimiter } from '../strategies/rate-limiter/rate-limiter.ts';
import { RetryBudget } from '../strategies/retry/budget.ts';
import { RETRY_DEFAULTS, type RetryBudgetOptions } from '../strategies/retry/options.ts';
import { RetryRecovery } from '../strategies/retry/retry.ts';
import type { Endpoint, EndpointTarget, Guard, Recovery } from '../strategies/shared/contract.ts';
import { RecentLatency } from '../strategies/shared/latency-histogram.ts';
import type { Assignment, Mode, Policy } from '../strategies/shared/policy.ts';
import { Classifier } from '../strategies/verdict/classifier.ts';
import type { VerdictOptions } from '../strategies/verdict/options.ts';
import type { EventSource, ResilienceEvent } from './events.ts';
import { HeadLatency } from './head-latency.ts';
import { Pipeline } from './pipeline.ts';

/** How far back heads count. */
const LATENCY_WINDOW_MS = 120_000;

/** What several strategies of one upstream have in common, made when the first of them asks for it. */
class Shared {
  headLatency: HeadLatency | undefined = undefined;
  readonly #options: RetryBudgetOptions;
  readonly #nowMs: number;
  #budget: RetryBudget | undefined = undefined;

  constructor(options: RetryBudgetOptions, nowMs: number) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  /** One for retries, hedges and fallback endpoints: all of them multiply what the app asks for. */
  budget(): RetryBudget {
    this.#budget ??= new RetryBudget(this.#options);
    return this.#budget;
  }

  /** One record of how long heads take, for all that must know. */
  latency(): RecentLatency {
    this.headLatency ??= new HeadLatency(new RecentLatency(LATENCY_WINDOW_MS, this.#nowMs));
    return this.headLatency.recent;
  }
}

/** What the strategies of one upstream may use. */
export interface StrategyDeps {
  readonly upstream: string;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Milliseconds since 1970, for what HTTP dates; never for durations. */
  readonly wallClockMs: () => number;
  /** Shared by everything that makes further attempts; made when first asked for. */
  readonly budget: () => RetryBudget;
  /** Of the heads of the upstream; made when first asked for. */
  readonly latency: () => RecentLatency;
  readonly primary: Endpoint;
  /** A place of the fallback chain, with a circuit breaker of its own if the policy has breakers. */
  readonly endpoint: (target: EndpointTarget) => Endpoint;
  /** Told of faults in code that is not ours to fix, such as a fallback handler's. */
  readonly report: (error: unknown) => void;
}

/** The strategies around the attempts of a call. */
export interface Stages {
  /** Asked before any attempt, outermost first. */
  readonly callGuards: readonly Guard[];
  /** Asked about an outcome, innermost first. */
  readonly recoveries: readonly Recovery[];
  readonly admission?: Admission | undefined;
  readonly bulkhead?: Bulkhead | undefined;
  readonly hedge?: Hedge | undefined;
}

export type StageBuilder = (policy: Policy, deps: StrategyDeps) => Stages;

export interface PipelineDeps extends Omit<StrategyDeps, 'upstream' | 'budget' | 'latency' | 'primary' | 'endpoint'> {
  readonly buildStages: StageBuilder;
  readonly emit: (event: ResilienceEvent, source: EventSource) => void;
}

/**
 * All a call meets in a pipeline, in its order: call guards, the circuit breaker of the endpoint, the wire, recoveries.
 * The rest of the order is the flow's: the total timeout runs from the call's start, so that it bounds retries and
 * waits; the breaker is asked per attempt and endpoint, so that it sees every attempt and stops the remaining ones, and
 * last of all, so that no early exit can leak a half-open probe; the attempt timeout is innermost, so that a probe
 * cannot hang.
 */
export function buildPipeline(
  { upstream, mode, assignment }: { readonly upstream: string; readonly mode: Mode; readonly assignment: Assignment },
  deps: PipelineDeps,
): Pipeline {
  const { policy } = assignment;
  const nowMs = deps.clock.now();

  // One monitor, whatever the policy. It hears of the primary's circuit, which may keep all evidence away from it.
  const source: EventSource = { policy: policy.name, upstream, mode };
  const { emit } = deps;
  const onHealth: HealthListener = (state, errorRatio) => emit({ type: 'health_changed', state, errorRatio }, source);
  const monitor = new HealthMonitor(policy.health, onHealth, mode === 'observe');

  // One circuit for each place attempts go to: a fallback endpoint that fails says nothing of the primary.
  let breakers: readonly CircuitBreaker[] = [];
  const endpoint = (target: EndpointTarget | undefined, name: string): Endpoint => {
    if (policy.circuitBreaker === undefined) return { name, target, breaker: undefined };
    const onTransition = (change: Transition): void => {
      try {
        emit({ type: 'circuit_state_changed', circuit: name, ...change }, source);
      } finally {
        if (target === undefined) monitor.circuitChanged(change);
      }
    };
    const breaker = new CircuitBreaker(name, policy.circuitBreaker, {
      upstream: name,
      random: deps.random,
      nowMs,
      onTransition,
    });
    breakers = [...breakers, breaker];
    return { name, target, breaker };
  };
  const primary = endpoint(undefined, upstream);

  const retry = policy.retry ?? RETRY_DEFAULTS;
  const shared = new Shared(retry.budget, nowMs);

  const { callGuards, recoveries, admission, bulkhead, hedge } = deps.buildStages(policy, {
    upstream,
    clock: deps.clock,
    random: deps.random,
    wallClockMs: deps.wallClockMs,
    report: deps.report,
    budget: () => shared.budget(),
    latency: () => shared.latency(),
    primary,
    endpoint: (target) => endpoint(target, `${upstream}/${formatHostPort(target.host, target.port)}`),
  });
  const mayResend = hedge !== undefined || recoveries.some((recovery) => recovery.mayResend);
  const parts = {
    callGuards,
    recoveries,
    primary,
    breakers,
    timeouts: policy.timeout,
    failsOverWhenUnhealthy: policy.fallback?.onUnhealthy ?? false,
    mayResend,
    maxReplayBytes: mayResend ? retry.maxReplayBytes : 0,
    admission,
    bulkhead,
    hedge,
    latency: shared.headLatency,
    // Every call pays in, so it is there for whoever may draw on it.
    budget: mayResend ? shared.budget() : undefined,
  };
  return new Pipeline({ upstream, mode, assignment }, parts, { classifier: classifierOf(policy.verdict), monitor });
}

const NO_STAGES: Stages = { callGuards: [], recoveries: [] };

/** The strategies that a policy asks for, in the order a call meets them. */
export function buildStages(policy: Policy, deps: StrategyDeps): Stages {
  const callGuards: Guard[] = [];
  const recoveries: Recovery[] = [];

  // Outermost: it decides at once, holds nothing, and what it refuses spends no permit of the limiter's. Outside retry: it
  // counts a call once, by the last the upstream said of it; whatever is refused further in counts for nothing.
  const admission = policy.admission && new Admission(policy.admission, deps);
  if (admission !== undefined) callGuards.push(admission);

  // Before the bulkhead: what it refuses takes no slot and no place in a queue, and is neither retried nor counted.
  if (policy.rateLimiter !== undefined) callGuards.push(new RateLimiter(policy.rateLimiter, deps));

  // Outside retry: a call keeps its one slot over all its attempts, and a full bulkhead is no failure.
  const bulkhead = policy.bulkhead && new Bulkhead(policy.bulkhead, deps);
  if (bulkhead !== undefined) callGuards.push(bulkhead);

  // Inside fallback: the place the app asked for gets its chance before another one answers.
  if (policy.retry !== undefined) recoveries.push(new RetryRecovery(policy.retry, { ...deps, budget: deps.budget() }));

  // Beside the attempt, inside retry: what is late gets company, what has failed in all its attempts is tried again.
  const endpoints = policy.fallback?.endpoints.map((target) => deps.endpoint(target)) ?? [];
  const hedge =
    policy.hedge &&
    new Hedge(policy.hedge, { latency: deps.latency(), primary: deps.primary, endpoints, budget: deps.budget() });

  // Outside everything: it answers for failures, for what retries did not mend and for our own refusals.
  if (policy.fallback !== undefined) {
    const budget = endpoints.length > 0 ? deps.budget() : undefined;
    recoveries.push(new FallbackRecovery(policy.fallback, { ...deps, policy: policy.name, endpoints, budget }));
  }
  if (callGuards.length + recoveries.length === 0 && hedge === undefined) return NO_STAGES;
  return { callGuards, recoveries, admission, bulkhead, hedge };
}

const classifiers = new WeakMap<VerdictOptions, Classifier>();

/** It has no state of an upstream: one serves all that share the options. */
function classifierOf(options: VerdictOptions): Classifier {
  let classifier = classifiers.get(options);
  if (classifier === undefined) {
    classifier = new Classifier(options);
    classifiers.set(options, classifier);
  }
  return classifier;
}
