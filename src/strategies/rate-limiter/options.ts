/** A token bucket, and the gate that `Retry-After` closes. */
export interface RateLimiterOptions {
  /** Tokens added per interval; undefined: no bucket, only the `Retry-After` gate. */
  readonly permits: number | undefined;
  readonly intervalMs: number;
  /** Tokens the bucket holds. */
  readonly burst: number;
  /** How long a call may wait for its token; 0: not at all. */
  readonly maxWaitMs: number;
  readonly respectRetryAfter: boolean;
  /** A longer `Retry-After` is cut to this. */
  readonly maxRetryAfterMs: number;
}

export const RATE_LIMITER_DEFAULTS: Omit<RateLimiterOptions, 'permits' | 'burst'> = {
  intervalMs: 1_000,
  maxWaitMs: 0,
  respectRetryAfter: true,
  maxRetryAfterMs: 30_000, // servers have been seen to ask for hours
};
