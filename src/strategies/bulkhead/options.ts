import type { AdaptiveOptions } from './adaptive-options.ts';

/** Concurrency limits of an upstream. */
export interface BulkheadOptions {
  /** With `adaptive`: the most the limit may become. */
  readonly maxConcurrent: number;
  /** Calls that may wait for a slot; 0: none waits. */
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
  /** Undefined: the limit is `maxConcurrent`. */
  readonly adaptive: AdaptiveOptions | undefined;
}

export const BULKHEAD_DEFAULTS: BulkheadOptions = {
  maxConcurrent: 100, // 25 is too low for a whole process, 1,000 protects nothing
  maxQueue: 0,
  queueTimeoutMs: 1_000,
  adaptive: undefined,
};
