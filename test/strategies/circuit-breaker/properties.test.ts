import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CircuitBreaker, type CircuitReading } from '../../../src/strategies/circuit-breaker/circuit-breaker.ts';
import type { CircuitBreakerOptions } from '../../../src/strategies/circuit-breaker/options.ts';
import type { CircuitState, Transition } from '../../../src/strategies/circuit-breaker/transition.ts';
import type { Permit, Verdict } from '../../../src/strategies/shared/contract.ts';
import { CALL } from './harness.ts';

const ARROWS: readonly string[] = [
  'closed > open: failure_ratio',
  'closed > open: slow_call_ratio',
  'closed > open: consecutive_failures',
  'open > half_open: open_elapsed',
  'half_open > closed: probes_succeeded',
  'half_open > open: probe_failed',
];

const options: fc.Arbitrary<CircuitBreakerOptions> = fc.record({
  window: fc.oneof(
    fc.record({ type: fc.constant('count' as const), size: fc.integer({ min: 3, max: 8 }) }),
    fc.record({
      type: fc.constant('time' as const),
      durationMs: fc.integer({ min: 20, max: 400 }),
      buckets: fc.integer({ min: 1, max: 5 }),
    }),
  ),
  minimumCalls: fc.integer({ min: 1, max: 4 }),
  failureRatio: fc.constantFrom(0.3, 0.5, 1),
  consecutiveFailures: fc.constantFrom(undefined, 2, 4),
  slowCall: fc.constantFrom(undefined, { durationMs: 20, ratio: 0.6 }),
  open: fc.record({
    durationMs: fc.integer({ min: 1, max: 60 }),
    multiplier: fc.constantFrom(1, 2),
    maxDurationMs: fc.integer({ min: 60, max: 200 }),
    jitter: fc.constantFrom(0, 0.2),
  }),
  halfOpen: fc.record({
    maxConcurrent: fc.integer({ min: 1, max: 3 }),
    successes: fc.integer({ min: 1, max: 3 }),
    leaseMs: fc.integer({ min: 1, max: 80 }),
  }),
});

type Step =
  | { readonly do: 'enter' | 'read' | 'forceOpen' | 'forceClosed' | 'reset' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'respond'; readonly which: number }
  | { readonly do: 'release'; readonly which: number; readonly verdict: Verdict }
  | { readonly do: 'reconfigure'; readonly options: CircuitBreakerOptions };

const which = fc.nat(50);
const verdict = fc.constantFrom<Verdict>('success', 'failure', 'failure', 'ignored');
const automatic: ReadonlyArray<fc.WeightedArbitrary<Step>> = [
  { weight: 8, arbitrary: fc.constant<Step>({ do: 'enter' }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('release' as const), which, verdict }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('respond' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(10), fc.nat(120)) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'read' }) },
];
const manual: ReadonlyArray<fc.WeightedArbitrary<Step>> = [
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'forceOpen' }, { do: 'forceClosed' }, { do: 'reset' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconfigure' as const), options }) },
];
const automaticSteps = fc.array(fc.oneof(...automatic), { maxLength: 120, size: 'max' });
const anySteps = fc.array(fc.oneof(...automatic, ...manual), { maxLength: 120, size: 'max' });

interface Held {
  readonly permit: Permit;
  /** The state it was issued in, by ordinal. */
  readonly epoch: number;
  readonly probe: boolean;
  readonly leaseEndsAtMs: number;
  headArrived: boolean;
  settled: boolean;
}

/** Drives a breaker, and keeps its own simple-minded books of the permits it was given. */
class Driver {
  nowMs = 0;
  readonly transitions: Transition[] = [];
  readonly held: Held[] = [];
  readonly admissions: string[] = [];
  /** Successes of probes in the present half-open state. */
  successes = 0;
  #resets = 0;
  #options: CircuitBreakerOptions;
  readonly #breaker: CircuitBreaker;

  constructor(circuit: CircuitBreakerOptions) {
    this.#options = circuit;
    let seed = 1;
    this.#breaker = new CircuitBreaker('orders', circuit, {
      upstream: 'orders',
      nowMs: 0,
      random() {
        seed = (seed * 16_807) % 2_147_483_647;
        return seed / 2_147_483_647;
      },
      onTransition: (transition) => {
        this.transitions.push(transition);
        if (transition.state === 'half_open') this.successes = 0;
      },
    });
  }

  get epoch(): number {
    return this.transitions.length + this.#resets;
  }

  /** The state the last transition led to. */
  get told(): CircuitState {
    return this.transitions.at(-1)?.state ?? 'closed';
  }

  get options(): CircuitBreakerOptions {
    return this.#options;
  }

  get live(): Held[] {
    return this.held.filter((h) => !h.settled && h.epoch === this.epoch);
  }

  get probes(): Held[] {
    return this.live.filter((h) => h.probe);
  }

  read(): CircuitReading {
    return this.#breaker.snapshot(this.nowMs);
  }

  acquire(): boolean {
    const admission = this.#breaker.acquire(CALL, this.nowMs);
    this.admissions.push(admission.kind);
    if (admission.kind === 'rejection') return false;
    const leaseEndsAtMs = this.nowMs + this.#options.halfOpen.leaseMs;
    const probe = this.told === 'half_open';
    const { epoch } = this;
    this.held.push({ permit: admission, epoch, probe, leaseEndsAtMs, headArrived: false, settled: false });
    return true;
  }

  release(held: Held, result: Verdict): void {
    if (this.probes.includes(held) && result === 'success') this.successes++;
    held.settled = true;
    held.permit.release(result, this.nowMs);
  }

  take(index: number): Held | undefined {
    const open = this.held.filter((h) => !h.settled || h.leaseEndsAtMs <= this.nowMs);
    return open[index % Math.max(1, open.length)];
  }

  /** Lets time pass, from the end of one lease to the end of the next; `look` is whether somebody looks each time. */
  wait(ms: number, look: boolean): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.probes.toSorted((a, b) => a.leaseEndsAtMs - b.leaseEndsAtMs)[0];
      if (next === undefined || next.leaseEndsAtMs > untilMs || !look) break;
      this.nowMs = next.leaseEndsAtMs;
      for (const probe of this.probes.filter((p) => p.leaseEndsAtMs === next.leaseEndsAtMs)) {
        probe.settled = true;
        if (probe.headArrived) this.successes++;
      }
      this.read();
    }
    this.nowMs = untilMs;
  }

  step(step: Step, look: boolean): void {
    switch (step.do) {
      case 'enter':
        this.acquire();
        return;
      case 'read':
        if (look) this.read();
        return;
      case 'wait':
        this.wait(step.ms, look);
        return;
      case 'respond': {
        const held = this.take(step.which);
        if (held === undefined || held.headArrived || held.settled) return;
        held.headArrived = true;
        held.permit.responded?.(this.nowMs);
        return;
      }
      case 'release': {
        const held = this.take(step.which);
        if (held !== undefined) this.release(held, step.verdict);
        return;
      }
      case 'reset':
        if (this.told === 'closed') this.#resets++;
        this.#breaker.reset(this.nowMs);
        return;
      case 'reconfigure':
        this.#options = step.options;
        this.#breaker.reconfigure(step.options, this.nowMs);
        return;
      default:
        this.#breaker[step.do](this.nowMs);
    }
  }
}

/** Runs the property for any history of calls and clocks. */
function always(steps: fc.Arbitrary<Step[]>, property: (driver: Driver, steps: readonly Step[]) => void): void {
  fc.assert(
    fc.property(options, steps, (circuit, list) => property(new Driver(circuit), list)),
    { numRuns: 400 },
  );
}

describe('circuit breaker, whatever calls come, end and hang at whatever times,', () => {
  it('moves along legal arrows only, each from where the last one led', () => {
    always(automaticSteps, (driver, steps) => {
      for (const step of steps) driver.step(step, true);
      let state: CircuitState = 'closed';
      for (const transition of driver.transitions) {
        assert.equal(transition.previousState, state);
        assert.ok(ARROWS.includes(`${transition.previousState} > ${transition.state}: ${transition.reason}`));
        state = transition.state;
      }
    });
  });

  it('reports every move, forced ones too: each transition starts where the last one ended', () => {
    always(anySteps, (driver, steps) => {
      for (const step of steps) {
        driver.step(step, true);
        const { state } = driver.read();
        assert.ok(state === driver.told || (driver.told === 'open' && state === 'half_open'));
      }
      for (const [i, { previousState, state }] of driver.transitions.entries()) {
        assert.notEqual(previousState, state);
        assert.equal(previousState, driver.transitions[i - 1]?.state ?? 'closed');
      }
    });
  });

  it('never has more probes in flight than allowed, and leaks no slot', () => {
    always(automaticSteps, (driver, steps) => {
      for (const step of steps) {
        driver.step(step, true);
        const { maxConcurrent } = driver.options.halfOpen;
        assert.ok(driver.probes.length <= maxConcurrent);
        const before = driver.probes.length;
        if (driver.told === 'half_open') assert.equal(driver.acquire(), before < maxConcurrent);
      }
    });
  });

  it('closes with exactly as many successful probes as it needs', () => {
    always(automaticSteps, (driver, steps) => {
      for (const step of steps) {
        const seen = driver.transitions.length;
        driver.step(step, true);
        const { successes } = driver.options.halfOpen;
        if (driver.told === 'half_open') assert.ok(driver.successes < successes);
        const closed = driver.transitions.slice(seen).some((t) => t.state === 'closed');
        if (closed) assert.ok(driver.successes >= successes);
      }
    });
  });

  it('re-opens, once, with the failure of a probe', () => {
    always(automaticSteps, (driver, steps) => {
      for (const step of steps) driver.step(step, true);
      const probes = driver.probes;
      const seen = driver.transitions.length;
      for (const probe of probes) driver.release(probe, 'failure');
      const reasons = driver.transitions.slice(seen).map((t) => t.reason);
      assert.deepEqual(reasons, probes.length > 0 ? ['probe_failed'] : []);
    });
  });

  it('is not moved by a permit of an earlier state', () => {
    always(anySteps, (driver, steps) => {
      for (const step of steps) {
        driver.step(step, true);
        const before = driver.read();
        const seen = driver.transitions.length;
        for (const late of driver.held.filter((h) => h.epoch !== driver.epoch)) {
          for (const result of ['success', 'failure', 'ignored'] as const) driver.release(late, result);
        }
        assert.deepEqual([driver.read(), driver.transitions.length], [before, seen]);
      }
    });
  });

  it('is not moved by an ignored attempt', () => {
    always(anySteps, (driver, steps) => {
      for (const step of steps) {
        driver.step(step, true);
        const before = driver.read();
        const seen = driver.transitions.length;
        const held = driver.live[0];
        if (held !== undefined) driver.release(held, 'ignored');
        assert.deepEqual([driver.read(), driver.transitions.length], [before, seen]);
      }
    });
  });

  it('admits a call after enough idle time, unless it is forced open', () => {
    always(anySteps, (driver, steps) => {
      for (const step of steps) driver.step(step, true);
      // The longest lease, then the longest open time with its jitter, and something for rounding.
      driver.nowMs += 80 + 200 * 1.2 + 1;
      assert.equal(driver.acquire(), driver.told !== 'forced_open');
    });
  });

  it('does the same whether or not somebody reads it meanwhile', () => {
    fc.assert(
      fc.property(options, anySteps, (circuit, steps) => {
        const watched = new Driver(circuit);
        const alone = new Driver(circuit);
        for (const step of steps) {
          watched.step(step, true);
          watched.read();
          alone.step(step, false);
        }
        assert.deepEqual(alone.read(), watched.read());
        assert.deepEqual(alone.admissions, watched.admissions);
        assert.deepEqual(alone.transitions, watched.transitions);
      }),
      { numRuns: 400 },
    );
  });
});
