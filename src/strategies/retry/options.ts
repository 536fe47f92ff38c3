import type { StatusRange } from '../verdict/options.ts';

/** A share of the calls of the last `windowMs`, plus a floor, that may be spent on further attempts. */
export interface RetryBudgetOptions {
  readonly ratio: number;
  readonly minPerSecond: number;
  readonly windowMs: number;
}

export interface RetryOptions {
  readonly maxRetries: number;
  /** Upper case. Other methods are retried only when provably not sent, or with an `Idempotency-Key`. */
  readonly methods: readonly string[];
  /** Statuses retried besides those whose verdict is failure. */
  readonly statuses: readonly StatusRange[];
  /** Full jitter: the n-th delay is random between 0 and `min(maxMs, baseMs * 2^(n-1))`. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly respectRetryAfter: boolean;
  /** A request body longer than this is not recorded, and its call not retried. */
  readonly maxReplayBytes: number;
  readonly budget: RetryBudgetOptions;
}

export const RETRY_DEFAULTS: RetryOptions = {
  maxRetries: 1, // measured value of the second and third: 3 % and 2 %
  methods: ['GET', 'HEAD', 'OPTIONS'],
  statuses: [{ from: 408, to: 408 }],
  backoff: { baseMs: 50, maxMs: 250 },
  respectRetryAfter: true,
  maxReplayBytes: 65_536,
  budget: { ratio: 0.2, minPerSecond: 1, windowMs: 10_000 },
};
