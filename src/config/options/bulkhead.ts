import { ADAPTIVE_DEFAULTS, type AdaptiveOptions } from '../../strategies/bulkhead/adaptive-options.ts';
import { BULKHEAD_DEFAULTS, type BulkheadOptions } from '../../strategies/bulkhead/options.ts';
import { durationText } from '../schema/default-text.ts';
import { switchable, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Contradiction, Resolving } from './resolving.ts';

const HOUR_MS = 3_600_000;

export const bulkheadOptions = {
  max_concurrent: is.count(
    { min: 1, max: is.MANY },
    { description: 'Calls in flight at a time.', default: BULKHEAD_DEFAULTS.maxConcurrent },
  ),
  max_queue: is.count(
    { min: 0, max: is.MANY },
    { description: 'Calls that may wait for a slot.', default: BULKHEAD_DEFAULTS.maxQueue },
  ),
  queue_timeout: is.duration(
    { max: HOUR_MS },
    { description: 'How long a call may wait for a slot.', default: durationText(BULKHEAD_DEFAULTS.queueTimeoutMs) },
  ),
  adaptive: switchable(
    {
      initial: is.count(
        { min: 1, max: is.MANY },
        { description: 'Calls in flight at the start.', default: ADAPTIVE_DEFAULTS.initial },
      ),
      min: is.count(
        { min: 1, max: is.MANY },
        { description: 'The limit never falls below.', default: ADAPTIVE_DEFAULTS.min },
      ),
      tolerance: is.numeric(
        { min: 1, max: 10 },
        {
          description: 'Times to head up to this multiple of the unloaded one count as noise.',
          default: ADAPTIVE_DEFAULTS.tolerance,
        },
      ),
    },
    {
      description: 'The limit follows what the upstream can take; `max_concurrent` is its ceiling, 1000 unless set.',
      default: false,
    },
  ),
};

type Input = Values<typeof bulkheadOptions>;

export function resolveBulkhead(given: Input | undefined, { contradicts }: Resolving): BulkheadOptions | undefined {
  if (given === undefined) return undefined;
  const { max_concurrent: ceiling } = given;
  const adaptive = resolveAdaptive(given.adaptive, ceiling ?? ADAPTIVE_DEFAULTS.max, contradicts);
  return {
    maxConcurrent: adaptive?.max ?? ceiling ?? BULKHEAD_DEFAULTS.maxConcurrent,
    maxQueue: given.max_queue ?? BULKHEAD_DEFAULTS.maxQueue,
    queueTimeoutMs: given.queue_timeout ?? BULKHEAD_DEFAULTS.queueTimeoutMs,
    ...(adaptive !== undefined && { adaptive }),
  };
}

function resolveAdaptive(
  given: Input['adaptive'],
  max: number,
  contradicts: Contradiction,
): AdaptiveOptions | undefined {
  if (given === undefined || given === false) return undefined;
  const min = given.min ?? Math.min(ADAPTIVE_DEFAULTS.min, given.initial ?? Infinity, max);
  const initial = given.initial ?? Math.min(Math.max(ADAPTIVE_DEFAULTS.initial, min), max);
  if (min > max) contradicts(['bulkhead', 'adaptive', 'min'], `${min} is above the ceiling, which is ${max}`);
  else if (initial < min) contradicts(['bulkhead', 'adaptive', 'initial'], `${initial} is below min, which is ${min}`);
  else if (initial > max)
    contradicts(['bulkhead', 'adaptive', 'initial'], `${initial} is above the ceiling, which is ${max}`);
  return { initial, min, max, tolerance: given.tolerance ?? ADAPTIVE_DEFAULTS.tolerance };
}
