/** Concurrency limits of an upstream. */
export interface BulkheadOptions {
  readonly maxConcurrent: number;
  /** Calls that may wait for a slot; 0: none waits. */
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
}

export const BULKHEAD_DEFAULTS: BulkheadOptions = {
  maxConcurrent: 100, // 25 is too low for a whole process, 1,000 protects nothing
  maxQueue: 0,
  queueTimeoutMs: 1_000,
};
