import { systemClock } from '../../../src/common/clock.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { SILENT } from '../../../src/engine/events.ts';
import { BULKHEAD_DEFAULTS } from '../../../src/strategies/bulkhead/options.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_CACHE_DEFAULTS, FALLBACK_DEFAULTS } from '../../../src/strategies/fallback/options.ts';
import { RATE_LIMITER_DEFAULTS } from '../../../src/strategies/rate-limiter/options.ts';
import { RETRY_DEFAULTS } from '../../../src/strategies/retry/options.ts';
import type { Mode, Policy } from '../../../src/strategies/shared/policy.ts';
import { everyCall } from '../../support/rules.ts';

const NOWHERE = { protocol: 'http:', host: '127.0.0.1', port: 1, basePath: '', forwardCredentials: false } as const;

/** Every strategy, none of which has a reason to act: the budget is empty, what is cached is stale, the handler silent. */
const AT_REST: Partial<Policy> = {
  circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, minimumCalls: 1_000_000 },
  bulkhead: BULKHEAD_DEFAULTS,
  rateLimiter: { ...RATE_LIMITER_DEFAULTS, permits: 100_000, burst: 100_000 },
  timeout: { attemptMs: 10_000, totalMs: 30_000, idleMs: 10_000 },
  retry: { ...RETRY_DEFAULTS, maxRetries: 2, budget: { ratio: 0, minPerSecond: 0, windowMs: 10_000 } },
  fallback: {
    ...FALLBACK_DEFAULTS,
    endpoints: [NOWHERE],
    cache: { ...FALLBACK_CACHE_DEFAULTS, staleIfErrorMs: 0 },
    handler: () => undefined,
  },
};

/** Every strategy, each with a reason to act at every call. */
const AT_WORK: Partial<Policy> = {
  circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 },
  bulkhead: { maxConcurrent: 1, maxQueue: 1, queueTimeoutMs: 1, adaptive: undefined },
  rateLimiter: { ...RATE_LIMITER_DEFAULTS, permits: 1, burst: 1, intervalMs: 1_000_000 },
  timeout: { attemptMs: 1, totalMs: 2, idleMs: 1 },
  retry: { ...RETRY_DEFAULTS, maxRetries: 2, budget: { ratio: 1, minPerSecond: 1_000, windowMs: 10_000 } },
  fallback: {
    ...FALLBACK_DEFAULTS,
    endpoints: [NOWHERE],
    onUnhealthy: true,
    cache: FALLBACK_CACHE_DEFAULTS,
    response: { status: 200, headers: {}, body: 'substitute', json: undefined },
  },
};

const engineOf = (policy: Partial<Policy>, mode: Mode): Engine =>
  new Engine({ clock: systemClock, random: () => 0.5, listener: SILENT, rules: everyCall(policy, { mode }) });

/** The real engine under a full policy. */
export const REAL_ENGINES: Readonly<Record<string, () => Engine>> = {
  full: () => engineOf(AT_REST, 'enforce'),
  observed: () => engineOf(AT_WORK, 'observe'),
};
