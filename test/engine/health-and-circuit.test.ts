import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CIRCUIT_BREAKER_DEFAULTS, type CircuitBreakerOptions } from '../../src/strategies/circuit-breaker/options.ts';
import { engineHarness } from '../support/engine-harness.ts';
import type { FakeExchange } from '../support/fake-exchange.ts';

const CIRCUIT: CircuitBreakerOptions = {
  ...CIRCUIT_BREAKER_DEFAULTS,
  consecutiveFailures: 5,
  open: { durationMs: 1_000, multiplier: 1, maxDurationMs: 1_000, jitter: 0 },
};

function lab(mode: 'enforce' | 'observe' = 'enforce', circuitBreaker = CIRCUIT) {
  const harness = engineHarness({ mode, policy: { circuitBreaker } });
  const answer = (status: number, times = 1): void => {
    for (let i = 0; i < times; i++) {
      const exchange = harness.call();
      if (exchange.failedWith !== undefined) continue;
      exchange.respondWith(status);
      exchange.listener?.onBodyEnd();
    }
  };
  const shown = () => {
    const [snapshot] = harness.engine.snapshots();
    return [snapshot?.unhealthy, snapshot?.errorRatio];
  };
  const health = () =>
    harness.listener.events.flatMap(({ event }) => (event.type === 'health_changed' ? [event.state] : []));
  return { ...harness, answer, shown, health };
}

describe('the health of an upstream whose circuit is open', () => {
  it('is that of the failures it opened on, however good the calls before them', () => {
    const { answer, shown, listener } = lab();
    answer(200, 95);
    answer(500, 5);
    assert.deepEqual(shown(), [true, 1]);
    assert.deepEqual(listener.types, ['circuit_state_changed', 'health_changed']);
    assert.deepEqual(listener.events[1]?.event, { type: 'health_changed', state: 'unhealthy', errorRatio: 1 });
  });

  it('is the ratio it opened on, where that opened it', () => {
    const { answer, shown } = lab('enforce', { ...CIRCUIT, consecutiveFailures: undefined });
    answer(200, 10);
    answer(500, 10);
    assert.deepEqual(shown(), [true, 0.5]);
  });

  it('stays as it is while nothing is let through, and when a probe fails', () => {
    const { answer, shown, clock, health } = lab();
    answer(500, 5);
    answer(200, 50); // refused
    clock.advance(60_000);
    assert.deepEqual(shown(), [true, 1]);
    answer(500);
    assert.deepEqual(shown(), [true, 1]);
    assert.deepEqual(health(), ['unhealthy']);
  });

  it('follows the probes, and is good again with the last of them, whatever is in the window', () => {
    const { answer, shown, clock, health } = lab();
    answer(200, 50);
    answer(500, 5);
    clock.advance(1_000);
    answer(200, 2);
    assert.deepEqual(shown(), [true, 0]);
    answer(200);
    assert.deepEqual(shown(), [false, 0]);
    assert.deepEqual(health(), ['unhealthy', 'healthy']);
  });

  it('is forgotten when the circuit is reset by hand', () => {
    const { answer, shown, pipeline, clock } = lab();
    answer(500, 5);
    for (const breaker of pipeline().parts.breakers) breaker.reset(clock.now());
    assert.deepEqual(shown(), [false, undefined]);
  });

  it('is bad while it is forced open, with the last evidence there was', () => {
    const { answer, shown, pipeline, clock } = lab();
    answer(200, 10);
    for (const breaker of pipeline().parts.breakers) breaker.forceOpen(clock.now());
    assert.deepEqual(shown(), [true, 0]);
    for (const breaker of pipeline().parts.breakers) breaker.reset(clock.now());
    assert.deepEqual(shown(), [false, 0]);
  });

  it('keeps following the calls in observe mode, where they are let through', () => {
    const { answer, shown } = lab('observe');
    answer(200, 95);
    answer(500, 5);
    assert.deepEqual(shown(), [true, 0.05]);
  });

  it('is never good in a snapshot or an event, whatever happens in whatever order', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('call' as const) },
      { weight: 5, arbitrary: fc.constant('fail' as const) },
      { weight: 5, arbitrary: fc.constant('succeed' as const) },
      { weight: 2, arbitrary: fc.constant('abort' as const) },
      { weight: 3, arbitrary: fc.constant('wait' as const) },
      { weight: 1, arbitrary: fc.constantFrom('forceOpen' as const, 'forceClosed' as const, 'reset' as const) },
    );
    const mode = fc.constantFrom('enforce' as const, 'observe' as const);
    fc.assert(
      fc.property(mode, fc.array(step, { maxLength: 200, size: 'max' }), (mode, steps) => {
        const circuit = { ...CIRCUIT, consecutiveFailures: 3, minimumCalls: 4 };
        const { call, clock, engine, pipeline, listener } = lab(mode, circuit);
        const breaker = pipeline().parts.breakers[0];
        assert.ok(breaker !== undefined);
        const running: FakeExchange[] = [];
        let announced: boolean = false;
        let heard = 0;
        for (const [i, step] of steps.entries()) {
          const oldest = step === 'call' || step === 'wait' ? undefined : running[0];
          if (step === 'call') {
            const exchange = call();
            if (exchange.failedWith === undefined) running.push(exchange);
          } else if (step === 'wait') {
            clock.advance(i % 2 === 0 ? 400 : 40_000);
          } else if (step === 'forceOpen' || step === 'forceClosed' || step === 'reset') {
            breaker[step](clock.now());
          } else if (oldest !== undefined) {
            running.shift();
            if (step === 'abort') oldest.listener?.onAbort();
            else oldest.respondWith(step === 'fail' ? 500 : 200);
            if (step !== 'abort') oldest.listener?.onBodyEnd();
          }
          const state = breaker.state(clock.now());
          const [snapshot] = engine.snapshots();
          for (; heard < listener.events.length; heard++) {
            const event = listener.events[heard]?.event;
            if (event?.type === 'health_changed') announced = event.state === 'unhealthy';
          }
          const passes = state === 'closed' || state === 'forced_closed';
          if (!passes) assert.equal(snapshot?.unhealthy, true, state);
          assert.equal(announced, snapshot?.unhealthy);
        }
      }),
    );
  });
});
