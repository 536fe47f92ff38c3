import type { Endpoint, Permit, Verdict } from '../strategies/shared/contract.ts';
import type { Attempt } from './exchange.ts';

/**
 * One attempt, as adapters name it, and what it holds: a slot in the circuit of its endpoint, until it has a verdict.
 * Nothing in here is the call's, so that several attempts of one call can be in flight side by side.
 */
export class AttemptState implements Attempt {
  readonly kind = 'attempt';
  readonly number: number;
  readonly endpoint: Endpoint;
  /** When it was sent. */
  startedAtMs = 0;
  /** When it has had its time, by the engine's clock. */
  dueAtMs = Number.POSITIVE_INFINITY;
  /** It was sent while another one was in flight, and what becomes of it is not known yet. */
  hedge = false;
  /** Why this endpoint is tried once more; undefined for any other attempt. */
  retryReason: string | undefined = undefined;
  /** `error.type` of what an attempt elsewhere stands in for. */
  replaces = '';
  readonly #permit: Permit | undefined;
  #judged = false;

  constructor(number: number, endpoint: Endpoint, permit: Permit | undefined) {
    this.number = number;
    this.endpoint = endpoint;
    this.#permit = permit;
  }

  /** Whether its circuit wants to know when the head came. */
  get timesHead(): boolean {
    return this.#permit?.responded !== undefined;
  }

  responded(nowMs: number): void {
    this.#permit?.responded?.(nowMs);
  }

  /** Whether it has had its verdict. */
  get judged(): boolean {
    return this.#judged;
  }

  /** Gives the slot back with the verdict; only the first one counts. */
  release(verdict: Verdict, nowMs: number): void {
    if (this.#judged) return;
    this.#judged = true;
    this.#permit?.release(verdict, nowMs);
  }
}
