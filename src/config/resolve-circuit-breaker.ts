import { formatDuration } from '../common/duration.ts';
import {
  type CircuitBreakerOptions,
  COUNT_WINDOW_DEFAULTS,
  CIRCUIT_BREAKER_DEFAULTS as DEFAULTS,
  type OpenOptions,
  SLOW_CALL_DEFAULTS,
  type SlowCallOptions,
  type TimeWindowOptions,
} from '../strategies/circuit-breaker/options.ts';
import type { TimeoutOptions } from '../strategies/timeout/options.ts';
import { windowType } from './layers.ts';
import type { Contradiction, Given } from './resolve.ts';

type Input = NonNullable<Given<'circuit_breaker'>>;

const TIME_WINDOW_DEFAULTS = DEFAULTS.window as TimeWindowOptions;

export function resolveCircuitBreaker(
  given: Input | undefined,
  timeout: TimeoutOptions | undefined,
  contradicts: Contradiction,
): CircuitBreakerOptions | undefined {
  if (given === undefined) return undefined;
  const window = resolveWindow(given, timeout?.attemptMs, contradicts);
  const most = window.type === 'count' ? window.size : Infinity;
  const minimumCalls = given.minimum_calls ?? Math.min(DEFAULTS.minimumCalls, most);
  if (minimumCalls > most) {
    contradicts(['circuit_breaker', 'minimum_calls'], `${minimumCalls} calls never fit the window of ${most}`);
  }
  const { half_open: halfOpen } = given;
  return {
    window,
    minimumCalls,
    failureRatio: given.failure_ratio ?? DEFAULTS.failureRatio,
    consecutiveFailures: given.consecutive_failures || DEFAULTS.consecutiveFailures,
    slowCall: resolveSlowCall(given.slow_call),
    open: resolveOpen(given.open ?? {}, contradicts),
    halfOpen: {
      maxConcurrent: halfOpen?.max_concurrent ?? DEFAULTS.halfOpen.maxConcurrent,
      successes: halfOpen?.successes ?? DEFAULTS.halfOpen.successes,
      leaseMs: halfOpen?.lease ?? timeout?.attemptMs ?? DEFAULTS.halfOpen.leaseMs,
    },
  };
}

function resolveWindow(
  { window: given = {}, minimum_calls: minimumCalls = 0 }: Input,
  attemptMs: number | undefined,
  contradicts: Contradiction,
): CircuitBreakerOptions['window'] {
  const type = windowType(given) ?? DEFAULTS.window.type;
  const misfits = type === 'count' ? (['duration', 'buckets'] as const) : (['size'] as const);
  for (const misfit of misfits) {
    if (given[misfit] !== undefined) {
      contradicts(['circuit_breaker', 'window', misfit], `has no place in a window of type ${type}`);
    }
  }
  if (type === 'count') return { type, size: given.size ?? Math.max(COUNT_WINDOW_DEFAULTS.size, minimumCalls) };
  const needed = 2 * (attemptMs ?? 0); // what a shorter one holds is mostly forgotten before it is known
  const durationMs = given.duration ?? Math.max(TIME_WINDOW_DEFAULTS.durationMs, needed);
  const buckets = given.buckets ?? Math.min(TIME_WINDOW_DEFAULTS.buckets, durationMs);
  if (durationMs < needed) {
    const words = `${formatDuration(durationMs)} is shorter than twice the attempt timeout of`;
    contradicts(['circuit_breaker', 'window', 'duration'], `${words} ${formatDuration(attemptMs ?? 0)}`);
  }
  if (buckets > durationMs) {
    const words = `${buckets} buckets are more than the ${durationMs} milliseconds of the window`;
    contradicts(['circuit_breaker', 'window', 'buckets'], words);
  }
  return { type, durationMs, buckets };
}

function resolveSlowCall(given: Input['slow_call']): SlowCallOptions | undefined {
  if (given === undefined || given === false) return undefined;
  return {
    durationMs: given.duration ?? SLOW_CALL_DEFAULTS.durationMs,
    ratio: given.ratio ?? SLOW_CALL_DEFAULTS.ratio,
  };
}

function resolveOpen(given: NonNullable<Input['open']>, contradicts: Contradiction): OpenOptions {
  const durationMs = given.duration ?? Math.min(DEFAULTS.open.durationMs, given.max_duration ?? Infinity);
  const maxDurationMs = given.max_duration ?? Math.max(DEFAULTS.open.maxDurationMs, durationMs);
  if (durationMs > maxDurationMs) {
    const words = `${formatDuration(maxDurationMs)} is shorter than open.duration, which is`;
    contradicts(['circuit_breaker', 'open', 'max_duration'], `${words} ${formatDuration(durationMs)}`);
  }
  return {
    durationMs,
    multiplier: given.multiplier ?? DEFAULTS.open.multiplier,
    maxDurationMs,
    jitter: given.jitter ?? DEFAULTS.open.jitter,
  };
}
