import assert from 'node:assert/strict';
import { CircuitBreaker } from '../../../src/strategies/circuit-breaker/circuit-breaker.ts';
import {
  CIRCUIT_BREAKER_DEFAULTS,
  type CircuitBreakerOptions,
} from '../../../src/strategies/circuit-breaker/options.ts';
import type { Transition } from '../../../src/strategies/circuit-breaker/transition.ts';
import type { CallInfo, Permit, Rejection, Verdict } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';

export const CALL: CallInfo = callInfo();

/** Trips on 5 of at least 5 at 50 %, opens for 1 s without jitter, and needs 2 probes one after another. */
export const OPTIONS: CircuitBreakerOptions = {
  ...CIRCUIT_BREAKER_DEFAULTS,
  window: { type: 'count', size: 10 },
  minimumCalls: 5,
  open: { durationMs: 1_000, multiplier: 2, maxDurationMs: 60_000, jitter: 0 },
  halfOpen: { maxConcurrent: 1, successes: 2, leaseMs: 500 },
};

/** A breaker, a clock that is a number, and what was heard of the breaker. */
export class Lab {
  now = 10_000;
  readonly transitions: Transition[] = [];
  readonly breaker: CircuitBreaker;

  constructor(options: Partial<CircuitBreakerOptions> = {}, random: () => number = () => 0.5) {
    this.breaker = new CircuitBreaker(
      'orders',
      { ...OPTIONS, ...options },
      { upstream: 'orders', nowMs: 0, random, onTransition: (transition) => this.transitions.push(transition) },
    );
  }

  /** `closed > open: failure_ratio` for each transition. */
  get story(): string[] {
    return this.transitions.map((t) => `${t.previousState} > ${t.state}: ${t.reason}`);
  }

  get state(): string {
    return this.breaker.state(this.now);
  }

  acquire(): Permit | Rejection {
    return this.breaker.acquire(CALL, this.now);
  }

  admit(): Permit {
    const admission = this.acquire();
    assert.equal(admission.kind, 'permit');
    return admission as Permit;
  }

  reject(): Rejection {
    const admission = this.acquire();
    assert.equal(admission.kind, 'rejection');
    return admission as Rejection;
  }

  /** Attempts one after another, each with a head after `tookMs` unless it is a failure. */
  run(verdict: Verdict, times = 1, tookMs = 0): this {
    for (let i = 0; i < times; i++) {
      const permit = this.admit();
      this.now += tookMs;
      if (verdict === 'success') permit.responded?.(this.now);
      permit.release(verdict, this.now);
    }
    return this;
  }

  wait(ms: number): this {
    this.now += ms;
    return this;
  }

  trip(): this {
    return this.run('failure', 5);
  }

  /** Opens the circuit and waits until it lets a probe through. */
  tripAndWait(): this {
    return this.trip().wait(1_000);
  }

  forgetStory(): this {
    this.transitions.length = 0;
    return this;
  }
}
