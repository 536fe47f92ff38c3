import { CircuitBreaker } from '../strategies/circuit-breaker/circuit-breaker.ts';
import type { Transition } from '../strategies/circuit-breaker/transition.ts';
import type { Endpoint, Guard, Recovery } from '../strategies/contract.ts';
import type { Policy } from '../strategies/policy.ts';
import type { PipelineParts } from './pipeline.ts';

/** What a stage may use to build its strategy. */
export interface StageContext {
  readonly upstream: string;
  readonly random: () => number;
  /** Makes an endpoint with a breaker of its own, if the policy has breakers. */
  readonly endpoint: (target: Endpoint['target'], name: string) => Endpoint;
}

export interface CallGuardStage {
  readonly strategy: string;
  readonly because: string;
  build(policy: Policy, context: StageContext): Guard | undefined;
}

export interface RecoveryStage {
  readonly strategy: string;
  readonly because: string;
  build(policy: Policy, context: StageContext): Recovery | undefined;
}

/** The strategies in the order a call meets them, outermost first. The total timeout starts with the call itself. */
export interface Order {
  readonly callGuards: readonly CallGuardStage[];
  readonly recoveries: readonly RecoveryStage[];
}

/**
 * The order of the pipeline, and why:
 * call guards are outermost, so that their rejections are neither retried nor counted against the upstream; the circuit
 * breaker is inside retry and per endpoint, so that it sees every attempt and stops the remaining ones; its slot is taken
 * last, after every other admission, so that an early exit cannot leak a probe; the attempt timeout is innermost, so that
 * a half-open probe cannot hang; recoveries react from the inside out, retry before fallback.
 */
export const ORDER: Order = {
  callGuards: [],
  recoveries: [],
};

/** Builds the strategies of `policy` for one upstream. */
export function assemble(
  policy: Policy,
  upstream: string,
  order: Order,
  dependencies: { readonly random: () => number; readonly onTransition: (circuit: string, change: Transition) => void },
): PipelineParts {
  const breakers: CircuitBreaker[] = [];
  const endpoint = (target: Endpoint['target'], name: string): Endpoint => {
    if (policy.circuitBreaker === undefined) return { name, target, breaker: undefined };
    const breaker = new CircuitBreaker(name, policy.circuitBreaker, {
      upstream: name,
      random: dependencies.random,
      onTransition: (change) => dependencies.onTransition(name, change),
    });
    breakers.push(breaker);
    return { name, target, breaker };
  };
  const primary = endpoint(undefined, upstream);
  const context: StageContext = { upstream, random: dependencies.random, endpoint };
  const built = <T>(stages: readonly { build(policy: Policy, context: StageContext): T | undefined }[]): T[] =>
    stages.map((stage) => stage.build(policy, context)).filter((strategy) => strategy !== undefined);
  const callGuards = built(order.callGuards);
  const recoveries = built(order.recoveries);
  return {
    callGuards,
    recoveries,
    primary,
    breakers,
    timeouts: policy.timeout,
    divertsUnhealthy: policy.fallback?.onUnhealthy ?? false,
    repeats: recoveries.length > 0,
    maxReplayBytes: policy.retry?.maxReplayBytes ?? 0,
    bulkhead: undefined,
    budget: undefined,
  };
}
