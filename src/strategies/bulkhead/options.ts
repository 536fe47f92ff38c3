import type { AdaptiveOptions } from './adaptive-options.ts';

/** Concurrency limits of an upstream. */
export interface BulkheadOptions {
  readonly maxConcurrent: number;
  /** Calls that may wait for a slot; 0: none waits. */
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
  /** The limit follows what the upstream can take, up to `maxConcurrent`; left out: it stays. */
  readonly adaptive?: AdaptiveOptions | undefined;
}

export const BULKHEAD_DEFAULTS: BulkheadOptions = {
  maxConcurrent: 100, // 25 is too low for a whole process, 1,000 protects nothing
  maxQueue: 0,
  queueTimeoutMs: 1_000,
};
