import type { Verdict } from '../shared/contract.ts';
import { openDurationMs } from './open-duration.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { ClosedPermit, Probe } from './permits.ts';
import type { Closed, HalfOpen, State } from './state.ts';
import type { Transition, TransitionReason } from './transition.ts';
import { failureRatioOf, findTrip, type Trip, tripOf } from './trip.ts';
import { continueWindow, createWindow, type OutcomeWindow } from './window.ts';

export interface StateMachineDeps {
  /** When the circuit begins, closed. */
  readonly nowMs: number;
  readonly random: () => number;
  readonly onTransition: (transition: Transition) => void;
}

/** The time since a circuit last let every attempt through. */
export interface Outage {
  readonly sinceMs: number;
  /** Attempts refused in it so far. */
  rejected: number;
}

/**
 * The states of one circuit and what moves it between them. No timer runs: what time alone brings about (an open time
 * that is over, a lease that ended) is found by the next call or reader, and dated to when it came about, so that it
 * makes no difference to the circuit who looked at it when.
 */
export class StateMachine {
  #options: CircuitBreakerOptions;
  readonly #random: () => number;
  readonly #onTransition: (transition: Transition) => void;
  /** Counts the states entered; a permit of an earlier one has no say in the present one. */
  #generation = 0;
  #state: State;
  #enteredAtMs: number;
  /** Undefined while every attempt passes. */
  #outage: Outage | undefined = undefined;
  /** Of the closed states. In the others it still shows what the circuit opened on. */
  #window: OutcomeWindow;

  constructor(options: CircuitBreakerOptions, deps: StateMachineDeps) {
    this.#options = options;
    this.#random = deps.random;
    this.#onTransition = deps.onTransition;
    this.#enteredAtMs = deps.nowMs;
    this.#window = createWindow(options.window, 0);
    this.#state = this.#closed(0);
    this.#generation++; // as for every state entered
  }

  get options(): CircuitBreakerOptions {
    return this.#options;
  }

  get state(): State {
    return this.#state;
  }

  /** When the present state began. */
  get enteredAtMs(): number {
    return this.#enteredAtMs;
  }

  get outage(): Outage | undefined {
    return this.#outage;
  }

  get generation(): number {
    return this.#generation;
  }

  get window(): OutcomeWindow {
    return this.#window;
  }

  /** Brings the state up to the present for an attempt that asks to pass. */
  arrive(nowMs: number): State {
    this.settleLeases(nowMs);
    const state = this.#state;
    if (state.name === 'open' && nowMs >= state.untilMs) {
      this.#become({ name: 'half_open', openings: state.openings, probes: [], successes: 0 }, 'open_elapsed', nowMs);
    }
    return this.#state; // read again: the listener may have forced another state
  }

  /** Takes the slot of a probe; undefined when all are taken. */
  probe(state: HalfOpen, nowMs: number): Probe | undefined {
    const { maxConcurrent, leaseMs } = this.#options.halfOpen;
    if (state.probes.length >= maxConcurrent) return undefined;
    const probe = new Probe(this, nowMs + leaseMs);
    state.probes.push(probe);
    return probe;
  }

  /** Counts an attempt admitted by a closed circuit in the given generation. */
  count(generation: number, verdict: Verdict, slow: boolean, nowMs: number): void {
    if (generation !== this.#generation || verdict === 'ignored') return;
    const state = this.#state;
    const failed = verdict === 'failure';
    if (state.name !== 'closed') {
      this.#window.record(failed, slow, nowMs); // forced closed
      return;
    }
    // Before this attempt is recorded: the one that fills the window and trips it is no proof of a window survived.
    if (state.openings > 0 && this.#window.full(nowMs)) state.openings = 0;
    this.#window.record(failed, slow, nowMs);
    state.consecutiveFailures = failed ? state.consecutiveFailures + 1 : 0;
    const trip = findTrip(this.#options, this.#window, state.consecutiveFailures);
    if (trip !== undefined) this.#open(trip, state.openings + 1, nowMs);
  }

  /** Frees the probe's slot and acts on its verdict; nothing if the slot was lost to the lease or a change of state. */
  finish(probe: Probe, verdict: Verdict, nowMs: number): void {
    this.settleLeases(nowMs);
    this.#settle(probe, verdict, nowMs);
  }

  /** Ends the leases that are over, in the order and as of the time they ended. */
  settleLeases(nowMs: number): void {
    for (;;) {
      const probe = this.#state.name === 'half_open' ? firstToEnd(this.#state.probes) : undefined;
      if (probe === undefined || probe.leaseEndsAtMs > nowMs) return;
      // A body that still streams is an upstream that answers; one without a head by now hangs.
      this.#settle(probe, probe.headArrived ? 'success' : 'failure', probe.leaseEndsAtMs);
    }
  }

  forceOpen(nowMs: number): void {
    if (this.#state.name !== 'forced_open') this.#become({ name: 'forced_open' }, 'manual', nowMs);
  }

  forceClosed(nowMs: number): void {
    if (this.#state.name === 'forced_closed') return;
    this.#window.clear(nowMs);
    this.#become({ name: 'forced_closed', permit: new ClosedPermit(this, this.#generation + 1) }, 'manual', nowMs);
  }

  /** Ends the open time now, whoever set it: the next attempt is a probe. Other states already let attempts through. */
  probeNow(nowMs: number): void {
    const state = this.#state;
    if (state.name !== 'open' && state.name !== 'forced_open') return;
    const openings = state.name === 'open' ? state.openings : 0;
    this.#become({ name: 'half_open', openings, probes: [], successes: 0 }, 'manual', nowMs);
  }

  /** Back to automatic and to a clean slate; a closed circuit only forgets what it counted. */
  reset(nowMs: number): void {
    this.#window.clear(nowMs);
    this.#become(this.#closed(0), 'manual', nowMs);
  }

  reconfigure(options: CircuitBreakerOptions, nowMs: number): void {
    this.#window = continueWindow(this.#window, this.#options.window, options.window, nowMs);
    this.#options = options;
  }

  #settle(probe: Probe, verdict: Verdict, nowMs: number): void {
    const state = this.#state;
    if (state.name !== 'half_open') return;
    const slot = state.probes.indexOf(probe);
    if (slot === -1) return;
    state.probes.splice(slot, 1);
    if (verdict === 'failure') {
      this.#open(tripOf('probe_failed', this.#window, 0), state.openings + 1, nowMs);
    } else if (verdict === 'success' && ++state.successes >= this.#options.halfOpen.successes) {
      this.#window.clear(nowMs);
      this.#become(this.#closed(state.openings), 'probes_succeeded', nowMs);
    }
  }

  #open(trip: Trip, openings: number, nowMs: number): void {
    const untilMs = nowMs + openDurationMs(this.#options.open, openings, this.#random);
    this.#become({ name: 'open', untilMs, openings, trip }, trip.reason, nowMs, failureRatioOf(trip));
  }

  #closed(openings: number): Closed {
    const permit = new ClosedPermit(this, this.#generation + 1);
    return { name: 'closed', permit, openings, consecutiveFailures: 0 };
  }

  /** Every change of state comes through here. The listener is told last, when there is nothing left to be upset. */
  #become(state: State, reason: TransitionReason, nowMs: number, failureRatio?: number): void {
    const previousState = this.#state.name;
    this.#state = state;
    this.#generation++;
    if (state.name === previousState) return; // a closed circuit was reset
    this.#enteredAtMs = nowMs;
    if (state.name === 'closed' || state.name === 'forced_closed') this.#outage = undefined;
    else this.#outage ??= { sinceMs: nowMs, rejected: 0 };
    try {
      this.#onTransition({ state: state.name, previousState, reason, failureRatio });
    } catch {
      // A listener's fault is its own to report; the call that happened to drive the circuit must not pay for it.
    }
  }
}

function firstToEnd(probes: readonly Probe[]): Probe | undefined {
  let first = probes[0];
  for (const probe of probes) {
    if (first !== undefined && probe.leaseEndsAtMs < first.leaseEndsAtMs) first = probe;
  }
  return first;
}
