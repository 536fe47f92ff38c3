/** How a bulkhead's limit adapts. */
export interface AdaptiveOptions {
  /** Calls in flight at the start. */
  readonly initial: number;
  /** The limit never falls below. */
  readonly min: number;
  /** The limit never rises above: the bulkhead's `maxConcurrent`. */
  readonly max: number;
  /** Times to head up to this multiple of the unloaded one count as noise; above it the limit falls at once. */
  readonly tolerance: number;
}

export const ADAPTIVE_DEFAULTS: AdaptiveOptions = {
  initial: 20, // as in Netflix's concurrency-limits
  min: 5, // below it, a handful of slow answers would shut the upstream off
  max: 1_000, // a ceiling that is never met: the limit is to adapt
  tolerance: 1.5, // as in Netflix's concurrency-limits
};
