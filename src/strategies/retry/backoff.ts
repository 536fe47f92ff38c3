import type { RetryOptions } from './options.ts';

/** Full jitter, so that callers who failed together don't come back together: random up to a bound that doubles. */
export function backoffMs(backoff: RetryOptions['backoff'], retry: number, random: () => number): number {
  return random() * Math.min(backoff.maxMs, backoff.baseMs * 2 ** (retry - 1));
}
