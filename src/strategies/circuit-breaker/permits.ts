import type { Permit, Verdict } from '../shared/contract.ts';
import type { StateMachine } from './state-machine.ts';

/** Of a closed circuit: holds nothing of its own attempt, so one serves all attempts of a generation. */
export class ClosedPermit implements Permit {
  readonly kind = 'permit';
  readonly #machine: StateMachine;
  readonly #generation: number;

  constructor(machine: StateMachine, generation: number) {
    this.#machine = machine;
    this.#generation = generation;
  }

  release(verdict: Verdict, nowMs: number): void {
    this.#machine.count(this.#generation, verdict, false, nowMs);
  }
}

/** Of a closed circuit that looks for slow attempts. */
export class TimedPermit implements Permit {
  readonly kind = 'permit';
  readonly #machine: StateMachine;
  readonly #generation: number;
  readonly #startedAtMs: number;
  #headAtMs: number | undefined;

  constructor(machine: StateMachine, generation: number, startedAtMs: number) {
    this.#machine = machine;
    this.#generation = generation;
    this.#startedAtMs = startedAtMs;
  }

  responded(nowMs: number): void {
    this.#headAtMs = nowMs;
  }

  release(verdict: Verdict, nowMs: number): void {
    this.#machine.count(this.#generation, verdict, this.#isSlow(verdict, nowMs), nowMs);
  }

  /** A long body is not slowness: what counts is the wait for the head, or for the failure that came instead of it. */
  #isSlow(verdict: Verdict, nowMs: number): boolean {
    const slowCall = this.#machine.options.slowCall;
    if (slowCall === undefined) return false;
    const answeredAtMs = this.#headAtMs ?? (verdict === 'failure' ? nowMs : this.#startedAtMs);
    return answeredAtMs - this.#startedAtMs > slowCall.durationMs;
  }
}

/** Of a half-open circuit: holds one of its few slots, until it is released or its lease ends. */
export class Probe implements Permit {
  readonly kind = 'permit';
  readonly leaseEndsAtMs: number;
  readonly #machine: StateMachine;
  #headArrived = false;

  constructor(machine: StateMachine, leaseEndsAtMs: number) {
    this.#machine = machine;
    this.leaseEndsAtMs = leaseEndsAtMs;
  }

  get headArrived(): boolean {
    return this.#headArrived;
  }

  responded(nowMs: number): void {
    this.#machine.settleLeases(nowMs); // a head that comes after the end of the lease is too late
    this.#headArrived = true;
  }

  release(verdict: Verdict, nowMs: number): void {
    this.#machine.finish(this, verdict, nowMs);
  }
}
