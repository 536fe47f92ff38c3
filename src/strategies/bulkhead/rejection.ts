import { BulkheadFullError, BulkheadTimeoutError } from '../../errors.ts';
import type { Rejection } from '../shared/contract.ts';
import type { BulkheadOptions } from './options.ts';

export class BulkheadFullRejection implements Rejection {
  readonly kind = 'rejection';
  readonly reason = 'bulkhead_full';
  readonly #upstream: string;
  readonly #options: BulkheadOptions;

  constructor(upstream: string, options: BulkheadOptions) {
    this.#upstream = upstream;
    this.#options = options;
  }

  toError(): BulkheadFullError {
    return new BulkheadFullError(this.#upstream, this.#options.maxConcurrent, this.#options.maxQueue);
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
