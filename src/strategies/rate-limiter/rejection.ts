import { RateLimitedError } from '../../errors.ts';
import type { Rejection } from '../shared/contract.ts';
import type { RateLimiterOptions } from './options.ts';

export class RateLimitedRejection implements Rejection {
  readonly kind = 'rejection';
  readonly reason = 'rate_limited';
  readonly #upstream: string;
  readonly #options: RateLimiterOptions;
  /** Milliseconds until the `Retry-After` gate opens; 0: it is open. */
  readonly #gateMs: number;
  readonly #retryAfterMs: number;

  constructor(
    upstream: string,
    options: RateLimiterOptions,
    waits: { readonly gateMs: number; readonly retryAfterMs: number },
  ) {
    this.#upstream = upstream;
    this.#options = options;
    this.#gateMs = waits.gateMs;
    this.#retryAfterMs = waits.retryAfterMs;
  }

  toError(): RateLimitedError {
    return new RateLimitedError(this.#upstream, this.#retryAfterMs, this.#describe());
  }

  #describe(): string {
    if (this.#gateMs > 0) return `the upstream's Retry-After has ${Math.ceil(this.#gateMs)} ms left`;
    const { permits, intervalMs } = this.#options;
    return `${permits} per ${intervalMs} ms, the next in ${Math.ceil(this.#retryAfterMs)} ms`;
  }
}
