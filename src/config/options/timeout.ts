import { formatDuration } from '../../common/duration.ts';
import { TIMEOUT_DEFAULTS, type TimeoutOptions } from '../../strategies/timeout/options.ts';
import { durationText } from '../schema/default-text.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Contradiction } from './resolving.ts';

export const timeoutOptions = {
  attempt: is.durationOrOff(
    {},
    {
      description: 'From the start of an attempt to its response head.',
      default: durationText(TIMEOUT_DEFAULTS.attemptMs),
    },
  ),
  total: is.durationOrOff(
    {},
    {
      description: 'From the start of the call to its response head, retries and waits included.',
      default: durationText(TIMEOUT_DEFAULTS.totalMs),
    },
  ),
  idle: is.durationOrOff(
    {},
    { description: 'Between two chunks of the response body.', default: durationText(TIMEOUT_DEFAULTS.idleMs) },
  ),
};

export function resolveTimeout(
  given: Values<typeof timeoutOptions> | undefined,
  contradicts: Contradiction,
): TimeoutOptions | undefined {
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
