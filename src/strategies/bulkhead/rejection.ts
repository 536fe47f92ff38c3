import { BulkheadFullError, BulkheadTimeoutError } from '../../errors.ts';
import type { Rejection } from '../shared/contract.ts';

export class BulkheadFullRejection implements Rejection {
  readonly kind = 'rejection';
  readonly reason = 'bulkhead_full';
  readonly #upstream: string;
  /** The limit at that moment. */
  readonly #maxConcurrent: number;
  readonly #maxQueue: number;

  constructor(upstream: string, maxConcurrent: number, maxQueue: number) {
    this.#upstream = upstream;
    this.#maxConcurrent = maxConcurrent;
    this.#maxQueue = maxQueue;
  }

  toError(): BulkheadFullError {
    return new BulkheadFullError(this.#upstream, this.#maxConcurrent, this.#maxQueue);
  }
}

export class BulkheadTimeoutRejection implements Rejection {
  readonly kind = 'rejection';
  readonly reason = 'bulkhead_timeout';
  readonly #upstream: string;
  readonly #queueTimeoutMs: number;

  constructor(upstream: string, queueTimeoutMs: number) {
    this.#upstream = upstream;
    this.#queueTimeoutMs = queueTimeoutMs;
  }

  toError(): BulkheadTimeoutError {
    return new BulkheadTimeoutError(this.#upstream, this.#queueTimeoutMs);
  }
}
