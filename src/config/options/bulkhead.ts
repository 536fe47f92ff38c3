import { BULKHEAD_DEFAULTS, type BulkheadOptions } from '../../strategies/bulkhead/options.ts';
import { durationText } from '../schema/default-text.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';

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
};

export function resolveBulkhead(given: Values<typeof bulkheadOptions> | undefined): BulkheadOptions | undefined {
  if (given === undefined) return undefined;
  return {
    maxConcurrent: given.max_concurrent ?? BULKHEAD_DEFAULTS.maxConcurrent,
    maxQueue: given.max_queue ?? BULKHEAD_DEFAULTS.maxQueue,
    queueTimeoutMs: given.queue_timeout ?? BULKHEAD_DEFAULTS.queueTimeoutMs,
  };
}
