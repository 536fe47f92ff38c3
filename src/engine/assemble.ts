import { formatHostPort } from '../common/authority.ts';
import type { Clock } from '../common/clock.ts';
import { Bulkhead } from '../strategies/bulkhead/bulkhead.ts';
import { CircuitBreaker } from '../strategies/circuit-breaker/circuit-breaker.ts';
import type { Transition } from '../strategies/circuit-breaker/transition.ts';
import { RetryBudget } from '../strategies/retry/budget.ts';
import { RETRY_DEFAULTS } from '../strategies/retry/options.ts';
import type { Endpoint, EndpointTarget } from '../strategies/shared/contract.ts';
import type { Policy } from '../strategies/shared/policy.ts';
import type { Order, Stage, StageContext } from './order.ts';
import type { PipelineParts } from './pipeline.ts';

export interface Assembly {
  readonly order: Order;
  readonly clock: Clock;
  readonly random: () => number;
  readonly wallClockMs: () => number;
  readonly report: (error: unknown) => void;
  readonly onTransition: (circuit: string, change: Transition) => void;
}

/** Builds the strategies of `policy` for one upstream, in their order. */
export function assemble(policy: Policy, upstream: string, assembly: Assembly): PipelineParts {
  const breakers: CircuitBreaker[] = [];
  const endpoint = (target: EndpointTarget | undefined, name: string): Endpoint => {
    const breaker = policy.circuitBreaker && breakerOf(name, policy.circuitBreaker, assembly);
    if (breaker !== undefined) breakers.push(breaker);
    return { name, target, breaker };
  };
  const primary = endpoint(undefined, upstream);
  const budget = new RetryBudget((policy.retry ?? RETRY_DEFAULTS).budget);
  const context: StageContext = {
    upstream,
    budget,
    clock: assembly.clock,
    random: assembly.random,
    wallClockMs: assembly.wallClockMs,
    report: assembly.report,
    endpoint: (target) => endpoint(target, `${upstream}/${formatHostPort(target.host, target.port)}`),
  };
  const callGuards = build(assembly.order.callGuards, policy, context);
  const recoveries = build(assembly.order.recoveries, policy, context);
  const mayResend = recoveries.some((recovery) => recovery.mayResend);
  return {
    callGuards,
    recoveries,
    primary,
    breakers,
    timeouts: policy.timeout,
    failsOverWhenUnhealthy: policy.fallback?.onUnhealthy ?? false,
    recovers: recoveries.length > 0,
    mayResend,
    maxReplayBytes: mayResend ? (policy.retry ?? RETRY_DEFAULTS).maxReplayBytes : 0,
    bulkhead: callGuards.find((guard) => guard instanceof Bulkhead),
    budget: mayResend ? budget : undefined,
  };
}

function breakerOf(name: string, options: NonNullable<Policy['circuitBreaker']>, assembly: Assembly): CircuitBreaker {
  const onTransition = (change: Transition): void => assembly.onTransition(name, change);
  return new CircuitBreaker(name, options, {
    upstream: name,
    random: assembly.random,
    nowMs: assembly.clock.now(),
    onTransition,
  });
}

function build<Strategy>(stages: readonly Stage<Strategy>[], policy: Policy, context: StageContext): Strategy[] {
  return stages.map((stage) => stage.build(policy, context)).filter((strategy) => strategy !== undefined);
}
