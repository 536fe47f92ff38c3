/** How a bulkhead's limit adapts. Its ceiling is the bulkhead's `maxConcurrent`. */
export interface AdaptiveOptions {
  /** Calls in flight at the start. */
  readonly initial: number;
  /** The limit never falls below, unless the ceiling is lower. */
  readonly min: number;
  /** Times to head up to this multiple of the unloaded one count as noise; above it the limit falls at once. */
  readonly tolerance: number;
}

export const ADAPTIVE_DEFAULTS: AdaptiveOptions = {
  initial: 20, // as in Netflix's concurrency-limits
  min: 5, // below it, a handful of slow answers would shut the upstream off
  tolerance: 1.5, // as in Netflix's concurrency-limits
};

/** The ceiling where none is set: one that is hardly met, for the limit is to adapt. */
export const ADAPTIVE_CEILING = 1_000;
