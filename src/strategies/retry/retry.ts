import { parseRetryAfter } from '../../common/retry-after.ts';
import type { CallInfo, CallProgress, Outcome, Recovery, RecoveryAction } from '../shared/contract.ts';
import type { StatusRange } from '../verdict/options.ts';
import { backoffMs } from './backoff.ts';
import type { RetryBudget } from './budget.ts';
import type { RetryOptions } from './options.ts';
import { reasonOf } from './reason.ts';

/**
 * Without a total timeout a call has all the time there is, but its caller hardly has: when the upstream asks for a
 * longer pause than this, the caller gets the response that says so. With one, the operator has said how long to wait.
 */
const LONGEST_PAUSE_MS = 30_000;

export interface RetryDeps {
  /** Shared by all that makes further attempts at the upstream or in its stead. */
  readonly budget: RetryBudget;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Milliseconds since 1970: a `Retry-After` may be a date. */
  readonly wallClockMs: () => number;
}

type Attempted = Outcome & { kind: 'response' | 'error' };

/** Tries once more what failed for a moment, if that can do no harm: neither to the request nor to the upstream. */
export class RetryRecovery implements Recovery {
  readonly mayResend = true;
  readonly #budget: RetryBudget;
  readonly #random: () => number;
  readonly #wallClockMs: () => number;
  #options: RetryOptions;

  constructor(options: RetryOptions, deps: RetryDeps) {
    this.#options = options;
    this.#budget = deps.budget;
    this.#random = deps.random;
    this.#wallClockMs = deps.wallClockMs;
  }

  recover(progress: CallProgress, outcome: Outcome, nowMs: number): RecoveryAction | undefined {
    if (!this.#isTransient(outcome) || !this.#mayRepeat(progress, outcome)) return undefined;
    const state = progress.endpoint.breaker?.state(nowMs);
    if (state === 'open' || state === 'forced_open') return undefined;
    const askedMs = this.#askedMs(outcome);
    const remainingMs = progress.remainingMs(nowMs);
    if (askedMs > LONGEST_PAUSE_MS && !Number.isFinite(remainingMs)) return undefined;
    // The upstream's wish comes before the back-off, not instead of it: those it told the same scatter after it.
    const afterMs = askedMs + backoffMs(this.#options.backoff, progress.retries + 1, this.#random);
    if (afterMs >= remainingMs) return undefined;
    // Last, so that nothing is spent on an attempt that is not made.
    if (!this.#budget.tryWithdraw(nowMs)) return undefined;
    return { kind: 'retry', afterMs, reason: reasonOf(outcome) };
  }

  /** Goes on under other options. The budget is its owner's to reconfigure. */
  reconfigure(options: RetryOptions): void {
    this.#options = options;
  }

  /** Our own refusals are no reason to ask again, nor is what the verdict rules put down to this side. */
  #isTransient(outcome: Outcome): outcome is Attempted {
    if (outcome.kind === 'error') return outcome.verdict === 'failure';
    if (outcome.kind !== 'response') return false;
    return outcome.verdict === 'failure' || includes(this.#options.statuses, outcome.head.status);
  }

  #mayRepeat(progress: CallProgress, outcome: Attempted): boolean {
    // A fallback endpoint is a second try already: when it fails, the next link of the chain is better than a third.
    if (progress.endpoint.target !== undefined) return false;
    if (progress.retries >= this.#options.maxRetries) return false;
    return this.#isSafe(progress.call, outcome) && progress.replayable();
  }

  /** Whether the request may arrive twice, or provably has not arrived. */
  #isSafe(call: CallInfo, outcome: Attempted): boolean {
    // What asks for a connection of its own is the app's to repeat.
    if (call.method === 'CONNECT' || call.header('upgrade') !== undefined) return false;
    if (this.#options.methods.includes(call.method)) return true;
    if (outcome.kind === 'error' && outcome.neverSent) return true;
    return (call.header('idempotency-key') ?? '') !== '';
  }

  /** The wait that the upstream asks for. */
  #askedMs(outcome: Attempted): number {
    if (outcome.kind === 'error' || !this.#options.respectRetryAfter) return 0;
    return parseRetryAfter(outcome.head.header('retry-after'), this.#wallClockMs()) ?? 0;
  }
}

function includes(ranges: readonly StatusRange[], status: number): boolean {
  for (const { from, to } of ranges) if (status >= from && status <= to) return true;
  return false;
}
