import { formatDuration } from '../../common/duration.ts';
import { formatSize } from '../../common/size.ts';
import { RETRY_DEFAULTS, type RetryOptions } from '../../strategies/retry/options.ts';
import { durationText, statusesText } from '../schema/default-text.ts';
import { section, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Contradiction, Resolving } from './resolving.ts';

const HOUR_MS = 3_600_000;

export const retryOptions = {
  max_retries: is.count(
    { min: 0, max: 10 },
    { description: 'Further attempts after the first.', default: RETRY_DEFAULTS.maxRetries },
  ),
  methods: is.methods('`retry: false` switches retries off', {
    description: 'Methods that may be sent twice.',
    default: RETRY_DEFAULTS.methods,
  }),
  statuses: is.statuses({
    description: 'Statuses retried besides those that are failures.',
    default: statusesText(RETRY_DEFAULTS.statuses),
  }),
  backoff: section(
    {
      base: is.duration(
        { max: HOUR_MS },
        { description: 'Upper bound of the first delay.', default: durationText(RETRY_DEFAULTS.backoff.baseMs) },
      ),
      max: is.duration(
        { max: HOUR_MS },
        { description: 'Upper bound of every delay.', default: durationText(RETRY_DEFAULTS.backoff.maxMs) },
      ),
    },
    { description: 'Random delays between attempts, doubling their upper bound each time.' },
  ),
  respect_retry_after: is.flag({
    description: 'Wait as long as the upstream asks for, if the total time allows.',
    default: RETRY_DEFAULTS.respectRetryAfter,
  }),
  max_replay_bytes: is.size(
    { min: 0, max: 64 * 1024 ** 2 },
    {
      description: 'A call with a longer request body is not retried.',
      default: formatSize(RETRY_DEFAULTS.maxReplayBytes),
    },
  ),
  budget: section(
    {
      ratio: is.numeric(
        { min: 0, max: 10 },
        { description: 'Share of the calls of the last `window`.', default: RETRY_DEFAULTS.budget.ratio },
      ),
      min_per_second: is.numeric(
        { min: 0, max: 10_000 },
        { description: 'Retries per second that are always allowed.', default: RETRY_DEFAULTS.budget.minPerSecond },
      ),
      window: is.duration(
        { min: 100, max: HOUR_MS },
        { description: 'How far back calls count.', default: durationText(RETRY_DEFAULTS.budget.windowMs) },
      ),
    },
    { description: 'What all calls to an upstream may spend on further attempts.' },
  ),
};

export function resolveRetry(
  given: Values<typeof retryOptions> | undefined,
  { timeout, contradicts }: Resolving,
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
