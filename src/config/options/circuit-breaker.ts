import { formatDuration } from '../../common/duration.ts';
import {
  type CircuitBreakerOptions,
  COUNT_WINDOW_DEFAULTS,
  CIRCUIT_BREAKER_DEFAULTS as DEFAULTS,
  type OpenOptions,
  SLOW_CALL_DEFAULTS,
  type SlowCallOptions,
  type TimeWindowOptions,
} from '../../strategies/circuit-breaker/options.ts';
import { durationText } from '../schema/default-text.ts';
import { section, switchable, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Contradiction, Resolving } from './resolving.ts';

const { open, halfOpen, ...breaker } = DEFAULTS;
const timeWindow = breaker.window.type === 'time' ? breaker.window : undefined;

export const circuitBreakerOptions = {
  window: section(
    {
      type: is.choice(['time', 'count'], {
        description: 'What the window holds: the attempts of the last `duration`, or the last `size` attempts.',
        default: breaker.window.type,
      }),
      duration: is.duration(
        { min: 10 },
        {
          description: 'Length of a time window; at least twice the attempt timeout.',
          default: durationText(timeWindow?.durationMs),
          onlyWith: { option: 'type', value: 'time' },
        },
      ),
      buckets: is.count(
        { min: 1, max: 100 },
        {
          description: 'Slices of a time window.',
          default: timeWindow?.buckets,
          onlyWith: { option: 'type', value: 'time' },
        },
      ),
      size: is.count(
        { min: 1, max: is.MANY },
        {
          description: 'Attempts in a count window.',
          default: COUNT_WINDOW_DEFAULTS.size,
          onlyWith: { option: 'type', value: 'count' },
        },
      ),
    },
    { description: 'Which attempts count.' },
  ),
  minimum_calls: is.count(
    { min: 1, max: is.MANY },
    { description: 'Below this many counted attempts no ratio opens the circuit.', default: breaker.minimumCalls },
  ),
  failure_ratio: is.ratio({
    description: 'The circuit opens when this share of the counted attempts has failed.',
    default: breaker.failureRatio,
  }),
  consecutive_failures: is.countOrOff(
    { min: 1, max: is.MANY },
    { description: 'Opens after this many failures in a row, whatever the window says.', default: 'off' },
  ),
  slow_call: switchable(
    {
      duration: is.duration(
        {},
        { description: 'An attempt slower than this is slow.', default: durationText(SLOW_CALL_DEFAULTS.durationMs) },
      ),
      ratio: is.ratio({
        description: 'The circuit opens when this share of the counted attempts is slow.',
        default: SLOW_CALL_DEFAULTS.ratio,
      }),
    },
    { description: 'Opens the circuit when the upstream is slow.', default: false },
  ),
  open: section(
    {
      duration: is.duration(
        {},
        { description: 'How long the circuit stays open the first time.', default: durationText(open.durationMs) },
      ),
      multiplier: is.numeric(
        { min: 1, max: 10 },
        {
          description: 'Each opening in a row lasts this many times longer than the one before.',
          default: open.multiplier,
        },
      ),
      max_duration: is.duration(
        {},
        { description: 'The longest that it stays open, before jitter.', default: durationText(open.maxDurationMs) },
      ),
      jitter: is.share({ description: 'Share by which the duration varies at random.', default: open.jitter }),
    },
    { description: 'How long the circuit stays open.' },
  ),
  half_open: section(
    {
      max_concurrent: is.count(
        { min: 1, max: 1_000 },
        { description: 'Probes in flight at a time.', default: halfOpen.maxConcurrent },
      ),
      successes: is.count(
        { min: 1, max: 1_000 },
        { description: 'Successful probes that close the circuit.', default: halfOpen.successes },
      ),
      lease: is.duration(
        {},
        {
          description: 'How long a probe may take.',
          default: durationText(halfOpen.leaseMs),
          defaultWords: 'the attempt timeout, else 30s',
        },
      ),
    },
    { description: 'How a circuit that was open is tried.' },
  ),
};

type Input = Values<typeof circuitBreakerOptions>;

const TIME_WINDOW_DEFAULTS = DEFAULTS.window as TimeWindowOptions;

export function resolveCircuitBreaker(
  given: Input | undefined,
  { timeout, contradicts }: Resolving,
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

/** `size` makes a count window even if nobody says so. */
export function windowType(window: NonNullable<Input['window']>): 'time' | 'count' | undefined {
  if (window.type !== undefined) return window.type;
  if (window.size !== undefined) return 'count';
  return window.duration !== undefined || window.buckets !== undefined ? 'time' : undefined;
}
