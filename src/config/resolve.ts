import { formatDuration } from '../common/duration.ts';
import { BULKHEAD_DEFAULTS, type BulkheadOptions } from '../strategies/bulkhead/options.ts';
import { HEALTH_DEFAULTS, type HealthOptions } from '../strategies/health/options.ts';
import { RATE_LIMITER_DEFAULTS, type RateLimiterOptions } from '../strategies/rate-limiter/options.ts';
import { RETRY_DEFAULTS, type RetryOptions } from '../strategies/retry/options.ts';
import type { Policy } from '../strategies/shared/policy.ts';
import { TIMEOUT_DEFAULTS, type TimeoutOptions } from '../strategies/timeout/options.ts';
import { VERDICT_DEFAULTS, type VerdictOptions } from '../strategies/verdict/options.ts';
import { resolveCircuitBreaker } from './resolve-circuit-breaker.ts';
import { resolveFallback } from './resolve-fallback.ts';
import type { PolicyInput } from './schema/policy.ts';

/** What is said of header names outside of policies; all in lower case. */
export interface HeaderNames {
  readonly credentials: ReadonlySet<string>;
  /** Undefined: off. */
  readonly requestId: string | undefined;
}

/** Tells what contradicts what; `path` is the option to look at first, in the schema's names. */
export type Contradiction = (path: readonly string[], message: string) => void;

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
  return {
    name,
    circuitBreaker: resolveCircuitBreaker(input.circuit_breaker || undefined, timeout, contradicts),
    bulkhead: resolveBulkhead(input.bulkhead || undefined),
    rateLimiter: resolveRateLimiter(input.rate_limiter || undefined, contradicts),
    timeout,
    retry: resolveRetry(input.retry || undefined, timeout, contradicts),
    fallback: resolveFallback(input.fallback || undefined, headerNames, contradicts),
    verdict: resolveVerdict(input.failure ?? {}),
    health: resolveHealth(input.health ?? {}, contradicts),
  };
}

export type Given<K extends keyof PolicyInput> = Exclude<PolicyInput[K], false>;

function resolveTimeout(given: Given<'timeout'>, contradicts: Contradiction): TimeoutOptions | undefined {
  if (given === undefined) return undefined;
  const attempt = orNone(given.attempt, TIMEOUT_DEFAULTS.attemptMs);
  const total = orNone(given.total, TIMEOUT_DEFAULTS.totalMs);
  if (given.attempt && given.total && given.attempt > given.total) {
    const words = `${formatDuration(given.attempt)} is longer than the total timeout of ${formatDuration(given.total)}`;
    contradicts(['timeout', 'attempt'], words);
  }
  return {
    attemptMs: given.attempt === undefined ? least(attempt, total) : attempt,
    totalMs: given.total === undefined ? greatest(total, attempt) : total,
    idleMs: orNone(given.idle, TIMEOUT_DEFAULTS.idleMs),
  };
}

function orNone(given: number | false | undefined, otherwise: number | undefined): number | undefined {
  return given === false ? undefined : (given ?? otherwise);
}

function least(value: number | undefined, limit: number | undefined): number | undefined {
  return value === undefined || limit === undefined ? value : Math.min(value, limit);
}

function greatest(value: number | undefined, floor: number | undefined): number | undefined {
  return value === undefined || floor === undefined ? value : Math.max(value, floor);
}

function resolveBulkhead(given: Given<'bulkhead'>): BulkheadOptions | undefined {
  if (given === undefined) return undefined;
  return {
    maxConcurrent: given.max_concurrent ?? BULKHEAD_DEFAULTS.maxConcurrent,
    maxQueue: given.max_queue ?? BULKHEAD_DEFAULTS.maxQueue,
    queueTimeoutMs: given.queue_timeout ?? BULKHEAD_DEFAULTS.queueTimeoutMs,
  };
}

function resolveRateLimiter(given: Given<'rate_limiter'>, contradicts: Contradiction): RateLimiterOptions | undefined {
  if (given === undefined) return undefined;
  const { permits } = given;
  const respectRetryAfter = given.respect_retry_after ?? RATE_LIMITER_DEFAULTS.respectRetryAfter;
  if (permits === undefined) {
    const idle = (['interval', 'burst'] as const).find((option) => given[option] !== undefined);
    if (idle !== undefined) contradicts(['rate_limiter', idle], 'has no effect without permits');
    if (!respectRetryAfter) contradicts(['rate_limiter'], 'limits nothing: permits, or respect_retry_after: true');
  }
  return {
    permits,
    intervalMs: given.interval ?? RATE_LIMITER_DEFAULTS.intervalMs,
    burst: given.burst ?? permits ?? 0,
    maxWaitMs: given.max_wait ?? RATE_LIMITER_DEFAULTS.maxWaitMs,
    respectRetryAfter,
    maxRetryAfterMs: given.max_retry_after ?? RATE_LIMITER_DEFAULTS.maxRetryAfterMs,
  };
}

function resolveRetry(
  given: Given<'retry'>,
  timeout: TimeoutOptions | undefined,
  contradicts: Contradiction,
): RetryOptions | undefined {
  if (given === undefined) return undefined;
  return {
    maxRetries: given.max_retries ?? RETRY_DEFAULTS.maxRetries,
    methods: given.methods ?? RETRY_DEFAULTS.methods,
    statuses: given.statuses ?? RETRY_DEFAULTS.statuses,
    backoff: resolveBackoff(given.backoff ?? {}, timeout?.totalMs, contradicts),
    respectRetryAfter: given.respect_retry_after ?? RETRY_DEFAULTS.respectRetryAfter,
    maxReplayBytes: given.max_replay_bytes ?? RETRY_DEFAULTS.maxReplayBytes,
    budget: {
      ratio: given.budget?.ratio ?? RETRY_DEFAULTS.budget.ratio,
      minPerSecond: given.budget?.min_per_second ?? RETRY_DEFAULTS.budget.minPerSecond,
      windowMs: given.budget?.window ?? RETRY_DEFAULTS.budget.windowMs,
    },
  };
}

function resolveBackoff(
  { base, max }: { readonly base?: number | undefined; readonly max?: number | undefined },
  totalMs: number | undefined,
  contradicts: Contradiction,
): RetryOptions['backoff'] {
  const baseMs = base ?? Math.min(RETRY_DEFAULTS.backoff.baseMs, max ?? Infinity);
  const maxMs = max ?? Math.max(RETRY_DEFAULTS.backoff.maxMs, baseMs);
  if (baseMs > maxMs) {
    const words = `${formatDuration(baseMs)} is longer than backoff.max, which is ${formatDuration(maxMs)}`;
    contradicts(['retry', 'backoff', 'base'], words);
  }
  const wasSet = max ?? base;
  if (wasSet !== undefined && totalMs !== undefined && wasSet >= totalMs) {
    const words = `${formatDuration(wasSet)} leaves no time for a retry: the total timeout is ${formatDuration(totalMs)}`;
    contradicts(['retry', 'backoff', max === undefined ? 'base' : 'max'], words);
  }
  return { baseMs, maxMs };
}

function resolveVerdict(given: NonNullable<PolicyInput['failure']>): VerdictOptions {
  return {
    statuses: given.statuses ?? VERDICT_DEFAULTS.statuses,
    except: given.except ?? VERDICT_DEFAULTS.except,
    codes: given.codes ?? VERDICT_DEFAULTS.codes,
    ignore: {
      statuses: given.ignore?.statuses ?? VERDICT_DEFAULTS.ignore.statuses,
      codes: given.ignore?.codes ?? VERDICT_DEFAULTS.ignore.codes,
    },
  };
}

function resolveHealth(given: NonNullable<PolicyInput['health']>, contradicts: Contradiction): HealthOptions {
  const window = given.window ?? Math.max(HEALTH_DEFAULTS.window, given.minimum_calls ?? 0);
  const minimumCalls = given.minimum_calls ?? Math.min(HEALTH_DEFAULTS.minimumCalls, window);
  if (minimumCalls > window) {
    contradicts(['health', 'minimum_calls'], `${minimumCalls} calls never fit the window of ${window}`);
  }
  return {
    window,
    minimumCalls,
    threshold: given.threshold ?? HEALTH_DEFAULTS.threshold,
    probeIntervalMs: given.probe_interval ?? HEALTH_DEFAULTS.probeIntervalMs,
  };
}
