import type { Clock } from '../../common/clock.ts';
import { TimeWindow } from '../circuit-breaker/time-window.ts';
import type { CallInfo, Guard, Permit, Verdict } from '../shared/contract.ts';
import type { AdmissionOptions } from './options.ts';
import { AdmissionRejection } from './rejection.ts';

const BUCKETS = 10;

export interface AdmissionDeps {
  /** The upstream's name, as it stands in errors. */
  readonly upstream: string;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/**
 * Refuses a growing share of the calls to an upstream that accepts fewer and fewer of them: the client throttling of the
 * book "Site Reliability Engineering", chapter "Handling Overload". Calls that are on their way count for nothing yet,
 * or a burst at the start would look like an overload.
 */
export class Admission implements Guard {
  readonly #upstream: string;
  readonly #random: () => number;
  #options: AdmissionOptions;
  /** "Failed" are those that were not accepted: failures, and those that were refused here. */
  #window: TimeWindow;

  constructor(options: AdmissionOptions, deps: AdmissionDeps) {
    this.#options = options;
    this.#upstream = deps.upstream;
    this.#random = deps.random;
    this.#window = windowOf(options, deps.clock.now());
  }

  acquire(_call: CallInfo, nowMs: number): Permit | AdmissionRejection {
    const probability = this.probability(nowMs);
    // Not asked for a number where there is nothing to decide.
    if (probability === 0 || this.#random() >= probability) return new Admitted(this.#window);
    this.#window.record(true, false, nowMs);
    return new AdmissionRejection(this.#upstream, probability);
  }

  /** The chance that the next call is refused, 0..1. */
  probability(nowMs: number): number {
    this.#window.advance(nowMs);
    const requests = this.#window.counted;
    const accepts = requests - this.#window.failures;
    const excess = requests - this.#options.aggressiveness * accepts;
    return excess <= 0 ? 0 : Math.min(this.#options.maxRejection, excess / (requests + 1));
  }

  snapshot(nowMs: number): { readonly probability: number } {
    return { probability: this.probability(nowMs) };
  }

  isLimiting(nowMs: number): boolean {
    return this.probability(nowMs) > 0;
  }

  /** Goes on under other options. A window of another length begins anew. */
  reconfigure(options: AdmissionOptions, nowMs: number): void {
    if (options.windowMs !== this.#options.windowMs) this.#window = windowOf(options, nowMs);
    this.#options = options;
  }
}

function windowOf({ windowMs }: AdmissionOptions, nowMs: number): TimeWindow {
  return new TimeWindow({ type: 'time', durationMs: windowMs, buckets: BUCKETS }, nowMs);
}

class Admitted implements Permit {
  readonly kind = 'permit';
  #window: TimeWindow | undefined;

  constructor(window: TimeWindow) {
    this.#window = window;
  }

  release(verdict: Verdict, nowMs: number): void {
    if (verdict !== 'ignored') this.#window?.record(verdict === 'failure', false, nowMs);
    this.#window = undefined;
  }
}
