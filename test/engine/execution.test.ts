import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildStages } from '../../src/engine/build-pipeline.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_DEFAULTS } from '../../src/strategies/fallback/options.ts';
import type { Endpoint, EndpointTarget, Substitute } from '../../src/strategies/shared/contract.ts';
import { engineHarness, ScriptedQueue, ScriptedRecovery } from '../support/engine-harness.ts';

const DEGRADED: Substitute = { status: 200, headers: [['resilience-source', 'degraded']], body: new Uint8Array() };
const TRIPS_AT_TWO = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 2 };

function otherEndpoint(): Endpoint {
  const target = { protocol: 'http:', host: 'backup.test', port: 80, basePath: '', forwardCredentials: false } as const;
  return { name: 'http://upstream.test/backup.test:80', target, breaker: undefined };
}

describe('a call that simply succeeds', () => {
  it('is sent at once by its adapter, makes no timer and no event, and ends with its body', () => {
    const { call, listener, clock } = engineHarness();
    const exchange = call();
    exchange.respondWith(200);
    assert.equal(listener.ended.length, 0);
    clock.advance(20);
    exchange.listener?.onBodyEnd();

    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.equal(clock.pending, 0);
    assert.deepEqual(listener.events, []);
    assert.equal(listener.ended.length, 1);
    assert.equal(listener.ended[0]?.call.result, 'success');
    assert.equal(listener.ended[0]?.durationMs, 20);
  });

  it('counts as a failure when its body dies, and as nothing when the caller leaves it', () => {
    const { call, engine } = engineHarness();
    const died = call();
    died.respondWith(200);
    died.listener?.onBodyError(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    const left = call();
    left.respondWith(200);
    left.listener?.onAbort();

    const [snapshot] = engine.snapshots();
    assert.equal(snapshot?.circuits[0]?.counted, 1);
    assert.equal(snapshot?.circuits[0]?.failures, 1);
    assert.equal(snapshot?.counted, 1);
    assert.equal(died.execution.result, 'failure');
    assert.equal(died.execution.errorType, 'ECONNRESET');
    assert.equal(left.execution.result, 'success');
  });
});

describe('the circuit breaker in the pipeline', () => {
  it('rejects without an attempt once it is open, and links the transition to the call that caused it', () => {
    const { call, listener } = engineHarness({ policy: { circuitBreaker: TRIPS_AT_TWO } });
    call().respondWith(500);
    const tripping = call();
    tripping.respondWith(503);
    const rejected = call();

    assert.deepEqual(rejected.log, ['fail']);
    assert.equal((rejected.failedWith as { code?: string } | undefined)?.code, 'ERR_RESILIENCE_CIRCUIT_OPEN');
    assert.deepEqual(listener.types, ['circuit_state_changed', 'health_changed', 'call_rejected']);
    assert.equal(listener.events[0]?.call, tripping.execution);
    assert.equal(rejected.execution.result, 'rejected');
    assert.equal(rejected.execution.errorType, 'circuit_open');
  });

  it('is not moved by a caller who aborts before the head', () => {
    const { call, engine } = engineHarness({ policy: { circuitBreaker: TRIPS_AT_TWO } });
    for (let i = 0; i < 5; i++) call().listener?.onAbort();
    assert.equal(engine.snapshots()[0]?.circuits[0]?.state, 'closed');
    assert.equal(engine.snapshots()[0]?.circuits[0]?.counted, 0);
  });

  it('counts every attempt of a retried call', () => {
    const recovery = new ScriptedRecovery({ kind: 'retry', afterMs: 10, reason: 'status' });
    const { call, engine, clock } = engineHarness({ recoveries: [recovery] });
    const exchange = call();
    exchange.respondWith(503);
    clock.advance(10);
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();
    const [snapshot] = engine.snapshots();
    assert.equal(snapshot?.circuits[0]?.counted, 2);
    assert.equal(snapshot?.circuits[0]?.failures, 1);
    assert.equal(snapshot?.counted, 1);
    assert.equal(snapshot?.errorRatio, 0);
  });

  it('in observe mode records what it would have rejected, and lets every call through', () => {
    const { call, listener, engine } = engineHarness({ mode: 'observe', policy: { circuitBreaker: TRIPS_AT_TWO } });
    call().respondWith(500);
    call().respondWith(500);
    const third = call();
    third.respondWith(500);
    assert.deepEqual(third.log, ['first', 'deliver']);
    assert.deepEqual(listener.types, ['circuit_state_changed', 'health_changed', 'call_rejected']);
    assert.equal(engine.snapshots()[0]?.rejections.circuit_open, 1);
    assert.equal(third.execution.result, 'failure');
  });
});

describe('a recovery that retries', () => {
  it('holds the outcome, waits, and sends again', () => {
    const { call, clock, listener } = engineHarness({
      recoveries: [new ScriptedRecovery({ kind: 'retry', afterMs: 50, reason: 'status' })],
    });
    const exchange = call();
    exchange.respondWith(503);
    assert.equal(clock.pendingThatHoldTheProcess, 1);
    clock.advance(49);
    assert.deepEqual(exchange.log, ['first', 'hold']);
    clock.advance(1);
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();

    assert.deepEqual(exchange.log, ['first', 'hold', 'send 2 http://upstream.test', 'deliver']);
    assert.deepEqual(listener.types, ['retry_scheduled']);
    assert.equal(exchange.execution.result, 'success');
    assert.equal(exchange.execution.errorType, undefined);
    assert.equal(exchange.execution.attempts, 2);
  });

  it('gives the app the last real response when the circuit opens while it waits', () => {
    const { call, clock } = engineHarness({
      policy: { circuitBreaker: TRIPS_AT_TWO },
      recoveries: [new ScriptedRecovery({ kind: 'retry', afterMs: 50, reason: 'status' })],
    });
    const exchange = call();
    exchange.respondWith(503);
    call().failWith('ECONNRESET');
    clock.advance(50);
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.equal(exchange.execution.result, 'failure');
    assert.equal(exchange.execution.errorType, '503');
  });

  it('gives the app the last real error when the total time runs out while it waits', () => {
    const { call, clock } = engineHarness({
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
      recoveries: [new ScriptedRecovery({ kind: 'retry', afterMs: 50, reason: 'error' })],
    });
    const exchange = call();
    exchange.failWith('ECONNRESET');
    clock.advance(40);
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.equal(exchange.execution.errorType, 'ECONNRESET');
    assert.equal(clock.pending, 0);
  });

  it('stops at once when the caller aborts in the back-off', () => {
    const { call, clock, listener } = engineHarness({
      recoveries: [new ScriptedRecovery({ kind: 'retry', afterMs: 50, reason: 'status' })],
    });
    const exchange = call();
    exchange.respondWith(503);
    exchange.listener?.onAbort();
    clock.advance(1_000);
    assert.deepEqual(exchange.log, ['first', 'hold']);
    assert.equal(clock.pending, 0);
    assert.equal(listener.ended.length, 1);
    assert.equal(exchange.execution.errorType, 'aborted');
  });
});

describe('a guard that delays', () => {
  it('lets the call go when its turn comes, and is released when the call has ended', () => {
    const queue = new ScriptedQueue();
    const { call, clock, listener } = engineHarness({ guards: [queue] });
    const exchange = call();
    assert.deepEqual(exchange.log, []);
    clock.advance(30);
    queue.admitNext(clock.now());
    exchange.respondWith(200);
    assert.deepEqual(queue.verdicts, []);
    exchange.listener?.onBodyEnd();
    assert.deepEqual(exchange.log, ['send 1 http://upstream.test', 'deliver']);
    assert.deepEqual(queue.verdicts, ['success']);
    assert.deepEqual(listener.events[0]?.event, { type: 'call_queued', waitedMs: 30 });
  });

  it('is told at once when the caller aborts in the queue', () => {
    const queue = new ScriptedQueue();
    const { call } = engineHarness({ guards: [queue] });
    call().listener?.onAbort();
    assert.equal(queue.cancelled, 1);
  });

  it('is told at once when the total time runs out in the queue', () => {
    const queue = new ScriptedQueue();
    const { call, clock } = engineHarness({
      guards: [queue],
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
    });
    const exchange = call();
    clock.advance(40);
    assert.equal(queue.cancelled, 1);
    assert.deepEqual(exchange.log, ['fail']);
    assert.equal((exchange.failedWith as { code?: string } | undefined)?.code, 'ERR_RESILIENCE_TIMEOUT');
    assert.equal(exchange.execution.result, 'rejected');
  });
});

describe('a recovery that substitutes', () => {
  it('answers for a failed attempt, and the call counts as a fallback without an error', () => {
    const { call, listener, engine } = engineHarness({
      recoveries: [new ScriptedRecovery({ kind: 'response', response: DEGRADED, source: 'degraded' })],
    });
    const exchange = call();
    exchange.respondWith(500);
    assert.deepEqual(exchange.log, ['first', 'hold', 'respond 200']);
    assert.equal(exchange.execution.result, 'fallback');
    assert.equal(exchange.execution.errorType, undefined);
    assert.equal(listener.ended.length, 1);
    assert.equal(engine.snapshots()[0]?.fallbacks.degraded, 1);
    assert.equal(engine.snapshots()[0]?.errorRatio, 1);
  });

  it('answers for a rejection without any attempt', () => {
    const { call } = engineHarness({
      policy: { circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 } },
      recoveries: [new ScriptedRecovery(undefined, { kind: 'response', response: DEGRADED, source: 'degraded' })],
    });
    call().respondWith(500);
    const exchange = call();
    assert.deepEqual(exchange.log, ['respond 200']);
    assert.equal(exchange.execution.attempts, 0);
  });

  it('may take its time, and leaves the held outcome to the app when it has nothing or fails', async () => {
    for (const promise of [Promise.resolve(undefined), Promise.reject(new Error('handler'))]) {
      const { call } = engineHarness({ recoveries: [new ScriptedRecovery(promise)] });
      const exchange = call();
      exchange.respondWith(500);
      assert.deepEqual(exchange.log, ['first', 'hold']);
      await new Promise(setImmediate);
      assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
      assert.equal(exchange.execution.result, 'failure');
    }
  });
});

describe('a recovery that diverts to another endpoint', () => {
  it('sends there, marks the response, and calls it a fallback', () => {
    const endpoint = otherEndpoint();
    const { call, listener } = engineHarness({ recoveries: [new ScriptedRecovery({ kind: 'endpoint', endpoint })] });
    const exchange = call();
    exchange.failWith('ECONNREFUSED');
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();
    assert.deepEqual(exchange.log, ['first', 'hold', `send 2 ${endpoint.name}`, 'deliver']);
    assert.deepEqual(exchange.listener?.addedResponseHeaders, [['resilience-source', 'endpoint']]);
    assert.equal(exchange.execution.result, 'fallback');
    assert.deepEqual(listener.events.at(-1)?.event, {
      type: 'fallback_used',
      source: 'endpoint',
      errorType: 'ECONNREFUSED',
    });
  });
});

describe('the circuit breaker of another endpoint', () => {
  const target = otherEndpoint().target as EndpointTarget;
  const policy = {
    circuitBreaker: TRIPS_AT_TWO,
    fallback: { ...FALLBACK_DEFAULTS, endpoints: [target] },
  };

  for (const [status, failures] of [
    [200, 0],
    [500, 1],
  ] as const) {
    it(`hears that it answered ${status}, and not how the primary did`, () => {
      const { call, engine } = engineHarness({ policy, buildStages });
      const exchange = call();
      exchange.respondWith(503);
      exchange.respondWith(status);
      exchange.listener?.onBodyEnd();
      const circuits = engine.snapshots()[0]?.circuits ?? [];
      assert.deepEqual(
        circuits.map((circuit) => [circuit.counted, circuit.failures]),
        [
          [1, 1],
          [1, failures],
        ],
      );
    });
  }
});

describe('time limits', () => {
  it('cancel an attempt without a head and count it as failed', () => {
    const { call, clock, engine, listener } = engineHarness({
      policy: { timeout: { attemptMs: 30, totalMs: undefined, idleMs: undefined } },
    });
    const exchange = call();
    clock.advance(30);
    assert.deepEqual(exchange.log, ['first', 'cancel', 'deliver']);
    assert.equal(engine.snapshots()[0]?.circuits[0]?.failures, 1);
    assert.equal(exchange.execution.errorType, 'timeout');
    assert.deepEqual(listener.types, ['call_timed_out']);
  });

  it('do not touch a call whose head has arrived', () => {
    const { call, clock, listener } = engineHarness({
      policy: { timeout: { attemptMs: 30, totalMs: 40, idleMs: undefined } },
    });
    const exchange = call();
    exchange.respondWith(200);
    clock.advance(60_000);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.deepEqual(listener.events, []);
  });

  it('leave alone a body that waits for the app to read on', () => {
    const { call, clock } = engineHarness({
      policy: { timeout: { attemptMs: undefined, totalMs: undefined, idleMs: 30 } },
    });
    const exchange = call();
    exchange.respondWith(200);
    exchange.readerIsSlow = true;
    clock.advance(100);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    exchange.readerIsSlow = false;
    clock.advance(30);
    assert.deepEqual(exchange.log, ['first', 'deliver', 'killBody']);
    assert.equal(clock.pending, 0);
  });

  it('end a body that stalls, but never an event stream', () => {
    const policy = { timeout: { attemptMs: undefined, totalMs: undefined, idleMs: 30 } };
    const { call, clock } = engineHarness({ policy });
    const stalled = call();
    stalled.respondWith(200);
    clock.advance(20);
    stalled.listener?.bodyObserver?.chunk(new Uint8Array(1));
    clock.advance(29);
    assert.deepEqual(stalled.log, ['first', 'deliver']);
    clock.advance(1);
    assert.deepEqual(stalled.log, ['first', 'deliver', 'killBody']);

    const events = call();
    events.respondWith(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    clock.advance(60_000);
    assert.deepEqual(events.log, ['first', 'deliver']);
  });
});
