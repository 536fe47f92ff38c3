import type { Endpoint, Permit, Rejection, Verdict } from '../strategies/shared/contract.ts';
import type { CallState } from './call-state.ts';
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

/** Takes the slot of the endpoint's circuit for the next attempt: always the last admission before the wire. */
export function acquireAttempt(call: CallState, endpoint: Endpoint, nowMs: number): AttemptState | Rejection {
  const number = call.attempts + 1;
  const { breaker } = endpoint;
  if (breaker === undefined) return new AttemptState(number, endpoint, undefined);
  const { context } = call;
  const outer = context.current;
  context.current = call;
  const admission = breaker.acquire(call.exchange, nowMs);
  context.current = outer;
  return admission.kind === 'permit' ? new AttemptState(number, endpoint, admission) : admission;
}

/** The verdict on an attempt; later ones on the same attempt change nothing. */
export function judge(call: CallState, attempt: AttemptState, verdict: Verdict, nowMs: number): void {
  if (attempt.judged) return;
  const { context } = call;
  const outer = context.current;
  context.current = call;
  if (attempt.endpoint.target === undefined) {
    call.primaryFailed = verdict === 'failure';
    // Before the circuit hears of it: the probe that closes a circuit is evidence of health by then.
    if (verdict === 'success') call.pipeline.monitor.record(false);
  }
  attempt.release(verdict, nowMs);
  context.current = outer;
}

/** No further attempt on the primary will come: the monitor hears how it did. */
export function settleHealth(call: CallState): void {
  if (!call.primaryFailed) return;
  call.primaryFailed = false;
  const { context } = call;
  const outer = context.current;
  context.current = call;
  call.pipeline.monitor.record(true);
  context.current = outer;
}
