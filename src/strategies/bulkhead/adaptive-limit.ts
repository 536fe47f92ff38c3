import type { AdaptiveOptions } from './adaptive-options.ts';

/** Samples that make a mean worth acting on, and one worth measuring by. */
const MIN_SAMPLES = 50;
const MIN_PROBE_SAMPLES = 100;
/** Calls that may queue at the upstream, as a share of the limit: enough to keep it busy, too few to be felt. */
const QUEUE_SHARE = 0.08;
const GROWTH_SHARE = 0.1;
const TIMEOUT_FACTOR = 0.9;
/** The steepest fall in one step. */
const MIN_GRADIENT = 0.5;
/** A fall of the limit by this factor says whether the time to head depends on it. */
const TELLING_FALL = 0.75;
/** A limit that seems to have a queue is lowered no more often than this, to measure the time to head without one. */
const PROBE_INTERVAL_MS = 30_000;
/** Nor so often that probes take more than this part of the time: an upstream with slow answers has long ones. */
const PROBE_TIME_SHARE = 1 / 20;
/** A rise by more than this makes the next samples those of a mixture. */
const LARGE_RISE = 1.15;
/** A batch is faster if its mean lies this many standard errors below, and this share: noise must not lower the base. */
const FASTER_ERRORS = 5.6;
const FASTER_SHARE = 0.95;
/** The same for a queue that is taken for one. */
const QUEUE_ERRORS = 2;

/** What a batch of calls said: how many were in flight, and how long their heads took, both as means. */
interface Reading {
  readonly limit: number;
  readonly inFlight: number;
  readonly headMs: number;
  /** The standard error of `headMs`. */
  readonly errorMs: number;
}

type State =
  /** Follows the gradient. `from`: where it began to fall. */
  | { readonly name: 'following'; from: Reading | undefined }
  /** Lowers the limit step by step until the time to head no longer falls along. `top`: where it was. */
  | { readonly name: 'probing'; readonly top: Reading; last: Reading; readonly sinceMs: number };

/**
 * A concurrency limit that follows what the upstream can take, by the gradient of Netflix's concurrency-limits: time to
 * head without a queue over time to head now.
 *
 * The time without a queue is measured, not averaged over the past: an average drifts up with an overload that lasts,
 * and the limit with it. A probe halves the limit until the time to head stops falling along; what is left is the
 * upstream's own time, and Little's law then gives the limit. There is a probe when calls seem to queue, every 30 s at
 * most, and whenever the upstream's own time seems to have changed. An upstream that keeps up meets none: a probe costs
 * calls.
 */
export class AdaptiveLimit {
  #options: AdaptiveOptions;
  #ceiling: number;
  #limit: number;
  #state: State = { name: 'following', from: undefined };
  #mayProbeAtMs = Number.NEGATIVE_INFINITY;
  /** Time to head without a queue; until a probe has measured it, the shortest mean there was. */
  #unloadedMs = Number.POSITIVE_INFINITY;
  // The batch that is being gathered.
  #samples = 0;
  #sumMs = 0;
  #sumOfSquares = 0;
  #sumInFlight = 0;
  #timedOut = false;
  /** Samples to pass over after a change: the first to come are the quick ones, and would pass for all. */
  #skip = 0;

  constructor(options: AdaptiveOptions, ceiling: number) {
    this.#options = options;
    this.#ceiling = ceiling;
    this.#limit = this.#clamp(options.initial);
  }

  /** Calls that may be in flight now; a whole number. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Goes on under other options, from where the limit is. */
  reconfigure(options: AdaptiveOptions, ceiling: number): void {
    this.#options = options;
    this.#ceiling = ceiling;
    this.#set(this.#limit);
  }

  /** A response's head came after `headMs`; `inFlight` calls were in flight when its call began, itself included. */
  responded(headMs: number, inFlight: number, nowMs: number): void {
    // Begun under a higher limit than now: it met another queue.
    if (inFlight > this.#limit) return;
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.#samples++;
    this.#sumMs += headMs;
    this.#sumOfSquares += headMs * headMs;
    this.#sumInFlight += inFlight;
    if (this.#samples >= this.#batchSize()) this.#adapt(nowMs);
  }

  /** No head came in time. Lowers the limit, once for all calls that were caught in the same jam. */
  timedOut(): void {
    if (this.#timedOut && this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.#timedOut = true;
    this.#state = { name: 'following', from: undefined };
    this.#set(this.#limit * TIMEOUT_FACTOR);
    this.#skip = this.#limit;
  }

  #batchSize(): number {
    return Math.max(this.#state.name === 'following' ? MIN_SAMPLES : MIN_PROBE_SAMPLES, this.#limit);
  }

  #adapt(nowMs: number): void {
    const samples = this.#samples;
    const headMs = this.#sumMs / samples;
    const variance = Math.max(0, this.#sumOfSquares / samples - headMs * headMs);
    const errorMs = Math.sqrt(variance / samples);
    const reading = { limit: this.#limit, inFlight: this.#sumInFlight / samples, headMs, errorMs };
    this.#startBatch();
    this.#timedOut = false;
    if (headMs + FASTER_ERRORS * errorMs < this.#unloadedMs * FASTER_SHARE) {
      this.#unloadedMs = headMs;
      // Nobody knows whether there was a queue in it.
      this.#mayProbeAtMs = nowMs;
    }
    // An app that does not use what it may says nothing about the limit.
    if (reading.inFlight < this.#limit / 2) return;
    const state = this.#state;
    if (state.name === 'probing') this.#probe(state, reading, nowMs);
    else if (this.#wantsProbe(state.from, reading, nowMs)) this.#start(reading, nowMs);
    else this.#follow(state, reading);
  }

  #wantsProbe(from: Reading | undefined, reading: Reading, nowMs: number): boolean {
    const surelyLonger = reading.headMs - QUEUE_ERRORS * reading.errorMs > this.#unloadedMs;
    if (nowMs >= this.#mayProbeAtMs && surelyLonger && this.#queued(reading) >= this.#allowed) return true;
    // The limit fell, and the time to head did not: no queue of ours explains it.
    return from !== undefined && reading.limit <= from.limit * TELLING_FALL && isIndependent(from, reading);
  }

  #start(reading: Reading, nowMs: number): void {
    this.#state = { name: 'probing', top: reading, last: reading, sinceMs: nowMs };
    this.#set(this.#limit / 2);
  }

  #probe(state: State & { name: 'probing' }, reading: Reading, nowMs: number): void {
    const lowest = this.#limit <= this.#lowest;
    if (!lowest && !isIndependent(state.last, reading)) {
      state.last = reading;
      return this.#set(this.#limit / 2);
    }
    this.#unloadedMs = reading.headMs;
    this.#mayProbeAtMs = nowMs + Math.max(PROBE_INTERVAL_MS, (nowMs - state.sinceMs) / PROBE_TIME_SHARE);
    this.#state = { name: 'following', from: undefined };
    // Little's law: of what was in flight, the part that was served and did not wait.
    const served = (state.top.inFlight * this.#unloadedMs) / state.top.headMs;
    this.#set(served * (1 + QUEUE_SHARE / 2));
  }

  #follow(state: State & { name: 'following' }, reading: Reading): void {
    const gradient = (this.#options.tolerance * this.#unloadedMs) / reading.headMs;
    const queued = this.#queued(reading);
    const allowed = this.#allowed;
    if (gradient < 1) {
      if (state.from === undefined || this.#limit <= state.from.limit * TELLING_FALL) state.from = reading;
      this.#set(this.#limit * Math.max(MIN_GRADIENT, gradient));
    } else if (queued < allowed) {
      state.from = undefined;
      this.#set(this.#limit + Math.max(1, this.#limit * GROWTH_SHARE));
    } else if (queued > 1.5 * allowed) {
      this.#set(this.#limit - (queued - allowed) / 2);
    }
  }

  /** Calls that wait at the upstream, by Little's law. */
  #queued({ inFlight, headMs }: Reading): number {
    return inFlight * (1 - this.#unloadedMs / headMs);
  }

  get #allowed(): number {
    return Math.max(1, this.#limit * QUEUE_SHARE);
  }

  #set(limit: number): void {
    const before = this.#limit;
    this.#limit = this.#clamp(limit);
    if (this.#limit >= before && this.#limit <= before * LARGE_RISE) return;
    this.#skip = this.#limit;
    this.#startBatch();
  }

  get #lowest(): number {
    return Math.min(this.#options.min, this.#ceiling);
  }

  #clamp(limit: number): number {
    return Math.min(this.#ceiling, Math.max(this.#lowest, limit));
  }

  #startBatch(): void {
    this.#samples = 0;
    this.#sumMs = 0;
    this.#sumOfSquares = 0;
    this.#sumInFlight = 0;
  }
}

/** Whether the time to head stayed though fewer calls were in flight: with a queue it would have fallen in proportion. */
function isIndependent(before: Reading, now: Reading): boolean {
  const proportional = before.headMs * (now.inFlight / before.inFlight);
  return now.headMs > (before.headMs + proportional) / 2;
}
