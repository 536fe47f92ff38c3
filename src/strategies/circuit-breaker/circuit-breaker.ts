import type { CallInfo, Guard, Permit, Rejection } from '../shared/contract.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { TimedPermit } from './permits.ts';
import { type CircuitNames, CircuitOpenRejection } from './rejection.ts';
import type { Closed, ForcedClosed, ForcedOpen, HalfOpen, Open } from './state.ts';
import { StateMachine, type StateMachineDeps } from './state-machine.ts';
import type { CircuitState } from './transition.ts';

export interface CircuitBreakerDeps extends StateMachineDeps {
  /** The upstream's name, as it stands in errors. */
  readonly upstream: string;
}

/** A circuit breaker, read at one moment. */
export interface CircuitReading {
  readonly state: CircuitState;
  /** Failures among the counted attempts of the window, 0..1; undefined below `minimumCalls`. */
  readonly failureRatio: number | undefined;
  /** Attempts the window counts now. */
  readonly counted: number;
  readonly failures: number;
  /** Milliseconds until an open circuit lets a probe through; 0 otherwise. */
  readonly retryAfterMs: number;
  /** Milliseconds in this state. */
  readonly sinceMs: number;
  /** Milliseconds since the circuit last let every attempt through; 0 while it does. */
  readonly outageMs: number;
  /** Attempts refused in that time. */
  readonly rejectedInOutage: number;
}

/** Stops attempts at an endpoint that keeps failing, and tries now and then whether it has recovered. */
export class CircuitBreaker implements Guard {
  readonly name: string;
  readonly #names: CircuitNames;
  readonly #machine: StateMachine;

  constructor(name: string, options: CircuitBreakerOptions, deps: CircuitBreakerDeps) {
    this.name = name;
    this.#names = { circuit: name, upstream: deps.upstream };
    this.#machine = new StateMachine(options, deps);
  }

  acquire(_call: CallInfo, nowMs: number): Permit | Rejection {
    const present = this.#machine.state;
    const state = present.name === 'closed' ? present : this.#machine.arrive(nowMs);
    switch (state.name) {
      case 'closed':
      case 'forced_closed':
        return this.#admit(state, nowMs);
      case 'half_open':
        return this.#machine.probe(state, nowMs) ?? this.#reject(state, nowMs);
      case 'open':
      case 'forced_open':
        return this.#reject(state, nowMs);
    }
  }

  /**
   * The state as a call would find it now: an open circuit whose time is over reads `half_open`, though it becomes so
   * (and says so) only with the next call. A lease found expired is settled, which may be a transition.
   */
  state(nowMs: number): CircuitState {
    this.#machine.settleLeases(nowMs);
    const state = this.#machine.state;
    return state.name === 'open' && nowMs >= state.untilMs ? 'half_open' : state.name;
  }

  /**
   * Whether attempts are refused now, or would be but for the probes under way; or somebody has set the state by hand.
   * An open circuit whose time is over, with nobody there to probe, protects nothing that is called.
   */
  isLimiting(nowMs: number): boolean {
    this.#machine.settleLeases(nowMs);
    const state = this.#machine.state;
    switch (state.name) {
      case 'closed':
        return false;
      case 'open':
        return nowMs < state.untilMs;
      case 'half_open':
        return state.probes.length > 0;
      case 'forced_open':
      case 'forced_closed':
        return true;
    }
  }

  snapshot(nowMs: number): CircuitReading {
    const effective = this.state(nowMs);
    const { state, window, options, enteredAtMs, outage } = this.#machine;
    window.advance(nowMs);
    const { counted, failures } = window;
    const retryAfterMs = state.name === 'open' ? Math.max(0, state.untilMs - nowMs) : 0;
    // A minimum of 0 would otherwise divide by it.
    const failureRatio = counted > 0 && counted >= options.minimumCalls ? failures / counted : undefined;
    const elapsed = state.name === 'open' && effective === 'half_open';
    const sinceMs = nowMs - (elapsed ? state.untilMs : enteredAtMs);
    const outageMs = outage === undefined ? 0 : nowMs - outage.sinceMs;
    const rejectedInOutage = outage?.rejected ?? 0;
    return { state: effective, failureRatio, counted, failures, retryAfterMs, sinceMs, outageMs, rejectedInOutage };
  }

  /** Rejects every attempt until another of these is called. */
  forceOpen(nowMs: number): void {
    this.#machine.settleLeases(nowMs);
    this.#machine.forceOpen(nowMs);
  }

  /** Admits every attempt, whatever their results, until another of these is called. */
  forceClosed(nowMs: number): void {
    this.#machine.settleLeases(nowMs);
    this.#machine.forceClosed(nowMs);
  }

  /** Makes the next attempt at an open circuit a probe, without waiting for its time to be over. */
  probeNow(nowMs: number): void {
    this.#machine.settleLeases(nowMs);
    this.#machine.probeNow(nowMs);
  }

  /** Closed, automatic, and with nothing counted yet. */
  reset(nowMs: number): void {
    this.#machine.settleLeases(nowMs);
    this.#machine.reset(nowMs);
  }

  /** Goes on under other options. State, running probes and open time stay; so does the window where its shape does. */
  reconfigure(options: CircuitBreakerOptions, nowMs: number): void {
    this.#machine.settleLeases(nowMs);
    this.#machine.reconfigure(options, nowMs);
  }

  #reject(state: Open | HalfOpen | ForcedOpen, nowMs: number): Rejection {
    const { outage } = this.#machine;
    if (outage !== undefined) outage.rejected++;
    return new CircuitOpenRejection(this.#names, state, nowMs);
  }

  #admit(state: Closed | ForcedClosed, nowMs: number): Permit {
    if (this.#machine.options.slowCall === undefined) return state.permit;
    return new TimedPermit(this.#machine, this.#machine.generation, nowMs);
  }
}
