import type { Policy } from '../../strategies/shared/policy.ts';
import { section, switchable, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import { admissionOptions, resolveAdmission } from './admission.ts';
import { bulkheadOptions, resolveBulkhead } from './bulkhead.ts';
import { circuitBreakerOptions, resolveCircuitBreaker } from './circuit-breaker.ts';
import { failureOptions, resolveVerdict } from './failure.ts';
import { fallbackOptions, resolveFallback } from './fallback.ts';
import { healthOptions, resolveHealth } from './health.ts';
import { hedgeOptions, resolveHedge } from './hedge.ts';
import { rateLimiterOptions, resolveRateLimiter } from './rate-limiter.ts';
import type { Contradiction, HeaderNames, Resolving } from './resolving.ts';
import { resolveRetry, retryOptions } from './retry.ts';
import { resolveTimeout, timeoutOptions } from './timeout.ts';

/** The options of a policy, in the file's names. A strategy's own are in the file of its name beside this one. */
export const policyOptions = {
  preset: is.choice(['standard', 'interactive'], {
    description: 'Strategies to start from; what stands beside it overrides them.',
  }),
  circuit_breaker: switchable(circuitBreakerOptions, { description: 'Stops calls to an upstream that keeps failing.' }),
  failure: section(failureOptions, { description: 'Which outcomes are failures of the upstream.' }),
  admission: switchable(admissionOptions, {
    description: 'Refuses a growing share of the calls to an upstream that accepts fewer and fewer.',
    default: false,
  }),
  bulkhead: switchable(bulkheadOptions, { description: 'Limits the calls in flight.', default: false }),
  rate_limiter: switchable(rateLimiterOptions, { description: 'Limits the calls per time.', default: false }),
  timeout: switchable(timeoutOptions, { description: 'Limits how long calls take.', default: false }),
  retry: switchable(retryOptions, { description: 'Tries again, within a budget.', default: false }),
  hedge: switchable(hedgeOptions, { description: 'Sends a second attempt beside a slow one.', default: false }),
  fallback: switchable(fallbackOptions, { description: 'What to answer when the upstream cannot.', default: false }),
  health: section(healthOptions, { description: 'The error-rate monitor, which is always on.' }),
};

/** A policy as read from one source: names of the file, values checked, nothing filled in. */
export type PolicyInput = Values<typeof policyOptions>;

/**
 * A policy with everything filled in. Two options that were set must agree; a default gives way to an option that was
 * set (`timeout: { total: 5s }` makes the attempt timeout 5 s, not a contradiction).
 */
export function resolvePolicy(
  name: string,
  input: PolicyInput,
  headerNames: HeaderNames,
  contradicts: Contradiction,
): Policy {
  const timeout = resolveTimeout(input.timeout || undefined, contradicts);
  const resolving: Resolving = { timeout, headerNames, contradicts };
  const fallback = resolveFallback(input.fallback || undefined, resolving);
  return {
    name,
    circuitBreaker: resolveCircuitBreaker(input.circuit_breaker || undefined, resolving),
    admission: resolveAdmission(input.admission || undefined),
    bulkhead: resolveBulkhead(input.bulkhead || undefined, resolving),
    rateLimiter: resolveRateLimiter(input.rate_limiter || undefined, resolving),
    timeout,
    retry: resolveRetry(input.retry || undefined, resolving),
    hedge: resolveHedge(input.hedge || undefined, { ...resolving, endpoints: fallback?.endpoints.length ?? 0 }),
    fallback,
    verdict: resolveVerdict(input.failure ?? {}),
    health: resolveHealth(input.health ?? {}, resolving),
  };
}
