import {
  ADAPTIVE_CEILING,
  ADAPTIVE_DEFAULTS,
  type AdaptiveOptions,
} from '../../strategies/bulkhead/adaptive-options.ts';
import { BULKHEAD_DEFAULTS, type BulkheadOptions } from '../../strategies/bulkhead/options.ts';
import { durationText } from '../schema/default-text.ts';
import { switchable, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Contradiction, Resolving } from './resolving.ts';

const HOUR_MS = 3_600_000;

const adaptiveOptions = {
  initial: is.count(
    { min: 1, max: is.MANY },
    { description: 'The limit at the start.', default: ADAPTIVE_DEFAULTS.initial },
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
};

export const bulkheadOptions = {
  max_concurrent: is.count(
    { min: 1, max: is.MANY },
    {
      description: `Calls in flight at a time. With \`adaptive\`: the most that may become, ${ADAPTIVE_CEILING} if left out.`,
      default: BULKHEAD_DEFAULTS.maxConcurrent,
    },
  ),
  max_queue: is.count(
    { min: 0, max: is.MANY },
    { description: 'Calls that may wait for a slot.', default: BULKHEAD_DEFAULTS.maxQueue },
  ),
  queue_timeout: is.duration(
    { max: HOUR_MS },
    { description: 'How long a call may wait for a slot.', default: durationText(BULKHEAD_DEFAULTS.queueTimeoutMs) },
  ),
  adaptive: switchable(adaptiveOptions, {
    description: 'The limit follows what the upstream can take, by the time its response heads need.',
    default: false,
  }),
};

export function resolveBulkhead(
  given: Values<typeof bulkheadOptions> | undefined,
  { contradicts }: Resolving,
): BulkheadOptions | undefined {
  if (given === undefined) return undefined;
  const adaptive = given.adaptive || undefined;
  const maxConcurrent = given.max_concurrent ?? (adaptive ? ADAPTIVE_CEILING : BULKHEAD_DEFAULTS.maxConcurrent);
  return {
    maxConcurrent,
    maxQueue: given.max_queue ?? BULKHEAD_DEFAULTS.maxQueue,
    queueTimeoutMs: given.queue_timeout ?? BULKHEAD_DEFAULTS.queueTimeoutMs,
    adaptive: adaptive && resolveAdaptive(adaptive, maxConcurrent, contradicts),
  };
}

/** A default gives way to what was set; what was set must agree. */
function resolveAdaptive(
  given: Values<typeof adaptiveOptions>,
  ceiling: number,
  contradicts: Contradiction,
): AdaptiveOptions {
  const min = given.min ?? Math.min(ADAPTIVE_DEFAULTS.min, given.initial ?? Infinity, ceiling);
  const initial = given.initial ?? Math.min(Math.max(ADAPTIVE_DEFAULTS.initial, min), ceiling);
  const path = ['bulkhead', 'adaptive'];
  if (min > ceiling) contradicts([...path, 'min'], `${min} is above the ceiling of ${ceiling} (max_concurrent)`);
  else if (initial > ceiling || initial < min) {
    contradicts([...path, 'initial'], `${initial} is not from ${min} (min) to ${ceiling} (max_concurrent)`);
  }
  return { initial, min, tolerance: given.tolerance ?? ADAPTIVE_DEFAULTS.tolerance };
}
