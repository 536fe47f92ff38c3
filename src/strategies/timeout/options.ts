/** Time limits; undefined: none. */
export interface TimeoutOptions {
  /** From the start of an attempt to its response head. */
  readonly attemptMs: number | undefined;
  /** From the start of the call to the response head, retries and waits included. */
  readonly totalMs: number | undefined;
  /** Between two chunks of the response body. */
  readonly idleMs: number | undefined;
}

export const TIMEOUT_DEFAULTS: TimeoutOptions = { attemptMs: 10_000, totalMs: 30_000, idleMs: undefined };
