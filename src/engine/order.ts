import type { Clock } from '../common/clock.ts';
import { Bulkhead } from '../strategies/bulkhead/bulkhead.ts';
import { RateLimiter } from '../strategies/rate-limiter/rate-limiter.ts';
import type { RetryBudget } from '../strategies/retry/budget.ts';
import { RetryRecovery } from '../strategies/retry/retry.ts';
import type { Endpoint, EndpointTarget, Guard, Recovery } from '../strategies/shared/contract.ts';
import type { Policy } from '../strategies/shared/policy.ts';

/** What a stage may use to build its strategy for one upstream. */
export interface StageContext {
  readonly upstream: string;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Milliseconds since 1970, for what HTTP dates; never for durations. */
  readonly wallClockMs: () => number;
  /** Shared by everything that makes further attempts. */
  readonly budget: RetryBudget;
  /** A place of the fallback chain, with a circuit breaker of its own if the policy has breakers. */
  readonly endpoint: (target: EndpointTarget) => Endpoint;
  /** Told of faults in code that is not ours to fix, such as a fallback handler's. */
  readonly report: (error: unknown) => void;
}

export interface Stage<Strategy> {
  readonly strategy: string;
  readonly because: string;
  /** Undefined: the policy has this strategy off. */
  build(policy: Policy, context: StageContext): Strategy | undefined;
}

/** The strategies in the order a call meets them. */
export interface Order {
  /** Asked before any attempt, outermost first. */
  readonly callGuards: readonly Stage<Guard>[];
  /** Asked about an outcome, innermost first. */
  readonly recoveries: readonly Stage<Recovery>[];
}

/**
 * The order of the pipeline, and why. The rest of it is not a matter of configuration, and stands in the execution: the
 * total timeout runs from the call's start, so that it bounds retries and waits; the circuit breaker is asked per attempt
 * and endpoint, so that it sees every attempt and stops the remaining ones, and last of all, so that no early exit can
 * leak a half-open probe; the attempt timeout is innermost, so that a probe cannot hang.
 */
export const ORDER: Order = {
  callGuards: [
    {
      strategy: 'rate_limiter',
      because: 'outermost: what it refuses takes no slot and no place in a queue, and is neither retried nor counted',
      build: ({ rateLimiter }, context) => rateLimiter && new RateLimiter(rateLimiter, context),
    },
    {
      strategy: 'bulkhead',
      because: 'outside retry: a call keeps its one slot over all its attempts, and a full bulkhead is no failure',
      build: ({ bulkhead }, context) => bulkhead && new Bulkhead(bulkhead, context),
    },
  ],
  recoveries: [
    {
      strategy: 'retry',
      because: 'inside fallback: the place the app asked for gets its chance before another one answers',
      build: ({ retry }, context) => retry && new RetryRecovery(retry, context),
    },
    {
      strategy: 'fallback',
      because: 'outside everything: it answers for failures, for what retries did not mend and for our own refusals',
      build({ name, fallback }, context) {
        if (fallback === undefined) return undefined;
        // Of all strategies by far the longest to load, and few policies have one.
        const { FallbackRecovery } =
          require('../strategies/fallback/fallback-recovery.js') as typeof import('../strategies/fallback/fallback-recovery.ts');
        const endpoints = fallback.endpoints.map((target) => context.endpoint(target));
        return new FallbackRecovery(fallback, { ...context, policy: name, endpoints });
      },
    },
  ],
};
