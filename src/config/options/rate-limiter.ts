import { RATE_LIMITER_DEFAULTS, type RateLimiterOptions } from '../../strategies/rate-limiter/options.ts';
import { durationText } from '../schema/default-text.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Resolving } from './resolving.ts';

const HOUR_MS = 3_600_000;

export const rateLimiterOptions = {
  permits: is.count(
    { min: 1, max: 10_000_000 },
    { description: 'Calls per `interval`. Left out: only `Retry-After` limits.' },
  ),
  interval: is.duration(
    {},
    { description: 'The time `permits` is for.', default: durationText(RATE_LIMITER_DEFAULTS.intervalMs) },
  ),
  burst: is.count(
    { min: 1, max: 10_000_000 },
    { description: 'Calls at once after a pause.', defaultWords: 'as `permits`' },
  ),
  max_wait: is.duration(
    { min: 0, max: HOUR_MS },
    { description: 'How long a call may wait for its permit.', default: RATE_LIMITER_DEFAULTS.maxWaitMs },
  ),
  respect_retry_after: is.flag({
    description: 'A `Retry-After` of the upstream holds calls back until then.',
    default: RATE_LIMITER_DEFAULTS.respectRetryAfter,
  }),
  max_retry_after: is.duration(
    {},
    {
      description: 'A longer `Retry-After` is cut to this.',
      default: durationText(RATE_LIMITER_DEFAULTS.maxRetryAfterMs),
    },
  ),
};

export function resolveRateLimiter(
  given: Values<typeof rateLimiterOptions> | undefined,
  { contradicts }: Resolving,
): RateLimiterOptions | undefined {
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
