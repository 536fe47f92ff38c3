import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_DEFAULTS, type FallbackOptions } from '../../../src/strategies/fallback/options.ts';
import type { HedgeOptions } from '../../../src/strategies/hedge/options.ts';
import { RETRY_DEFAULTS, type RetryOptions } from '../../../src/strategies/retry/options.ts';
import type { Policy } from '../../../src/strategies/shared/policy.ts';

const OFF: Partial<Policy> = { circuitBreaker: undefined };

const RETRY: RetryOptions = {
  ...RETRY_DEFAULTS,
  maxRetries: 2,
  methods: ['GET', 'POST', 'PUT', 'DELETE'],
  backoff: { baseMs: 1, maxMs: 8 },
  maxReplayBytes: 16_384,
  budget: { ratio: 1, minPerSecond: 10_000, windowMs: 10_000 },
};

const HEDGE: HedgeOptions = {
  delay: { kind: 'fixed', ms: 3 },
  maxHedges: 2,
  methods: ['GET', 'PUT', 'DELETE'],
  endpoints: false,
};
const SHORT = { attemptMs: 200, totalMs: 600, idleMs: undefined };

const fallback = (options: Partial<FallbackOptions>): FallbackOptions => ({ ...FALLBACK_DEFAULTS, ...options });

const DEGRADED = { status: 200, headers: {}, body: 'degraded', json: undefined };

/** One of each kind, and their combinations. `backup`: the port of another upstream. */
export function policies(backup: number): ReadonlyArray<Partial<Policy>> {
  const endpoint = {
    protocol: 'http:' as const,
    host: '127.0.0.1',
    port: backup,
    basePath: '',
    forwardCredentials: false,
  };
  const handler = async (): Promise<Response | undefined> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return Math.random() < 0.5 ? new Response('handled') : undefined;
  };
  return [
    {
      circuitBreaker: {
        ...CIRCUIT_BREAKER_DEFAULTS,
        consecutiveFailures: 10,
        open: { ...CIRCUIT_BREAKER_DEFAULTS.open, durationMs: 20 },
      },
    },
    { ...OFF, retry: RETRY },
    { ...OFF, retry: { ...RETRY, methods: ['GET'] }, timeout: SHORT },
    { ...OFF, fallback: fallback({ endpoints: [endpoint] }), timeout: SHORT },
    { ...OFF, fallback: fallback({ response: DEGRADED }) },
    { ...OFF, fallback: fallback({ handler }) },
    { ...OFF, retry: RETRY, fallback: fallback({ endpoints: [endpoint], response: DEGRADED }), timeout: SHORT },
    {
      ...OFF,
      retry: RETRY,
      timeout: SHORT,
      bulkhead: { maxConcurrent: 3, maxQueue: 10, queueTimeoutMs: 50, adaptive: undefined },
    },
    {
      ...OFF,
      timeout: { attemptMs: 100, totalMs: 150, idleMs: 50 },
      bulkhead: { maxConcurrent: 2, maxQueue: 100, queueTimeoutMs: 1000, adaptive: undefined },
    },
    {
      circuitBreaker: {
        ...CIRCUIT_BREAKER_DEFAULTS,
        consecutiveFailures: 5,
        open: { ...CIRCUIT_BREAKER_DEFAULTS.open, durationMs: 20 },
      },
      retry: RETRY,
      fallback: fallback({ handler, response: DEGRADED }),
      timeout: SHORT,
    },
    { ...OFF, hedge: HEDGE, retry: { ...RETRY, maxRetries: 0 }, timeout: SHORT },
    { ...OFF, hedge: HEDGE, retry: RETRY, timeout: SHORT },
    {
      circuitBreaker: {
        ...CIRCUIT_BREAKER_DEFAULTS,
        consecutiveFailures: 10,
        open: { ...CIRCUIT_BREAKER_DEFAULTS.open, durationMs: 20 },
      },
      hedge: { ...HEDGE, endpoints: true },
      retry: RETRY,
      fallback: fallback({ endpoints: [endpoint], response: DEGRADED }),
      timeout: SHORT,
      bulkhead: { maxConcurrent: 3, maxQueue: 10, queueTimeoutMs: 50, adaptive: undefined },
    },
  ];
}
