import { isSameOrigin } from '../../common/authority.ts';
import type { CallInfo, Endpoint } from '../shared/contract.ts';
import type { RecentLatency } from '../shared/latency-histogram.ts';
import type { HedgeOptions } from './options.ts';

/** Fewer heads than this say nothing of a quantile; until then a hedge waits for `UNKNOWN_MS`. */
const ENOUGH_HEADS = 100;
const UNKNOWN_MS = 1_000;
/** Timers tell no less apart. */
const LEAST_MS = 1;

export interface HedgeDeps {
  /** Of the upstream's heads. */
  readonly latency: RecentLatency;
  readonly primary: Endpoint;
  /** Of the fallback chain, in its order. */
  readonly endpoints: readonly Endpoint[];
  /** Shared by all that makes further attempts. */
  readonly budget: { tryWithdraw(nowMs: number): boolean };
}

/**
 * Decides when a call that waits for its head gets a second attempt beside the first, and where that goes. It takes the
 * tail off latencies where slowness is a matter of luck (a queue, a collection, a lost packet), for a few extra requests.
 */
export class Hedge {
  readonly #deps: HedgeDeps;
  #options: HedgeOptions;

  constructor(options: HedgeOptions, deps: HedgeDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether a call like this one may have one more, having had `hedges`. */
  allows(call: CallInfo, hedges: number): boolean {
    if (hedges >= this.#options.maxHedges || !this.#options.methods.includes(call.method)) return false;
    return call.header('upgrade') === undefined;
  }

  /** Milliseconds after the last attempt was sent. */
  delayMs(nowMs: number): number {
    const { delay } = this.#options;
    if (delay.kind === 'fixed') return delay.ms;
    const { latency } = this.#deps;
    if (latency.total(nowMs) < ENOUGH_HEADS) return UNKNOWN_MS;
    return Math.max(LEAST_MS, latency.quantile(delay.share, nowMs) ?? UNKNOWN_MS);
  }

  /**
   * Where a hedge goes, which is paid for then; undefined: it is not sent. A circuit that is not closed gets none: the
   * probes of a half-open one are few, and not for luck.
   */
  place(call: CallInfo, nowMs: number): Endpoint | undefined {
    const place = this.#elsewhere(call, nowMs) ?? this.#deps.primary;
    return isClosed(place, nowMs) && this.#deps.budget.tryWithdraw(nowMs) ? place : undefined;
  }

  /** What is tied to its place goes to no other origin, as with fallback. */
  #elsewhere(call: CallInfo, nowMs: number): Endpoint | undefined {
    if (!this.#options.endpoints) return undefined;
    return this.#deps.endpoints.find(
      (endpoint) =>
        isClosed(endpoint, nowMs) &&
        (endpoint.target === undefined || isSameOrigin(call, endpoint.target) || !call.pinned()),
    );
  }

  /** Goes on under other options. */
  reconfigure(options: HedgeOptions): void {
    this.#options = options;
  }
}

function isClosed({ breaker }: Endpoint, nowMs: number): boolean {
  const state = breaker?.state(nowMs);
  return state === undefined || state === 'closed' || state === 'forced_closed';
}
