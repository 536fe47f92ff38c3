import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Bulkhead } from '../../../src/strategies/bulkhead/bulkhead.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { engineHarness, type HarnessOptions, ScriptedRecovery } from '../../support/engine-harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function withBulkhead(maxConcurrent: number, maxQueue: number, options: HarnessOptions = {}) {
  const clock = new ManualClock();
  const limits = { maxConcurrent, maxQueue, queueTimeoutMs: 100, adaptive: undefined };
  const bulkhead = new Bulkhead(limits, { upstream: 'http://upstream.test', clock });
  const harness = engineHarness({ ...options, clock, guards: [bulkhead] });
  const usage = () => {
    const { executing, queued } = bulkhead.snapshot();
    return { executing, queued };
  };
  return { ...harness, usage };
}

const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code;

describe('calls through a bulkhead', () => {
  it('of 50 at once let 10 run, 10 wait and 30 be rejected, and are never more than 10 on the wire', () => {
    const { call, clock, usage, listener } = withBulkhead(10, 10);
    const all = Array.from({ length: 50 }, () => call());
    const onTheWire = () =>
      all.filter(({ log }) => ['first', 'send 1 http://upstream.test'].includes(log.at(-1) ?? ''));
    assert.deepEqual(usage(), { executing: 10, queued: 10 });
    assert.equal(onTheWire().length, 10);
    const rejected = all.filter(({ failedWith }) => codeOf(failedWith) === 'ERR_RESILIENCE_BULKHEAD_FULL');
    assert.equal(rejected.length, 30);

    let answered = 0;
    for (let next = onTheWire()[0]; next !== undefined; next = onTheWire()[0]) {
      assert.ok(onTheWire().length <= 10);
      clock.advance(1);
      next.respondWith(200);
      next.listener?.onBodyEnd();
      answered++;
    }
    assert.equal(answered, 20);
    assert.deepEqual(usage(), { executing: 0, queued: 0 });
    assert.equal(clock.pending, 0);
    assert.equal(listener.ended.length, 50);
  });

  it('never move the circuit breaker by being rejected, at once or after their wait', () => {
    const circuitBreaker = { ...CIRCUIT_BREAKER_DEFAULTS, minimumCalls: 1, consecutiveFailures: 1 };
    const { call, clock, engine } = withBulkhead(1, 1, { policy: { circuitBreaker } });
    call();
    for (let i = 0; i < 20; i++) call();
    clock.advance(100);
    const [snapshot] = engine.snapshots();
    assert.deepEqual(snapshot?.rejections, { bulkhead_full: 19, bulkhead_timeout: 1 });
    assert.equal(snapshot?.circuits[0]?.state, 'closed');
    assert.equal(snapshot?.circuits[0]?.counted, 0);
    assert.equal(snapshot?.counted, 0);
    assert.equal(snapshot?.calls, 20);
  });

  it('hold their slot until the body has ended, not until the head is there', () => {
    const { call, clock } = withBulkhead(1, 1);
    const running = call();
    const waiting = call();
    running.respondWith(200);
    clock.advance(50);
    assert.deepEqual(waiting.log, []);
    running.listener?.onBodyEnd();
    assert.deepEqual(waiting.log, ['send 1 http://upstream.test']);
  });

  it('hold their slot after our timeout for as long as the attempt is not over', () => {
    const policy = { timeout: { attemptMs: 30, totalMs: undefined, idleMs: undefined } };
    const { call, clock, usage } = withBulkhead(1, 1, { policy });
    const running = call();
    let cancelledWith: Error | undefined;
    running.cancel = (_attempt, error) => {
      cancelledWith = error; // this client takes its time to get rid of its socket
    };
    const waiting = call();
    clock.advance(40);
    assert.equal(codeOf(cancelledWith), 'ERR_RESILIENCE_TIMEOUT');
    assert.deepEqual(waiting.log, []);
    running.report((listener) => listener.onError(running.current, cancelledWith ?? assert.fail()));
    assert.deepEqual(waiting.log, ['send 1 http://upstream.test']);
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
  });

  it('hold their slot between two attempts', () => {
    const { call, clock, usage } = withBulkhead(1, 1, {
      recoveries: [new ScriptedRecovery({ kind: 'retry', afterMs: 50, reason: 'status_code' })],
    });
    const running = call();
    const waiting = call();
    running.respondWith(503);
    clock.advance(50);
    running.respondWith(200);
    assert.deepEqual(waiting.log, []);
    running.listener?.onBodyEnd();
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
  });

  it('give up their place at once when their caller leaves the queue', () => {
    const { call, usage } = withBulkhead(1, 1);
    call();
    const left = call();
    left.listener?.onAbort();
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
    assert.deepEqual(call().log, []);
    assert.deepEqual(usage(), { executing: 1, queued: 1 });
  });

  it('give up their place at once when their total time is over', () => {
    const { call, clock, usage } = withBulkhead(1, 1, {
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
    });
    call().respondWith(200);
    const waiting = call();
    clock.advance(40);
    assert.equal(codeOf(waiting.failedWith), 'ERR_RESILIENCE_TIMEOUT');
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
  });

  it('pass their slot on when their caller leaves them in flight', () => {
    const { call } = withBulkhead(1, 1);
    const running = call();
    const waiting = call();
    running.listener?.onAbort();
    assert.deepEqual(waiting.log, ['send 1 http://upstream.test']);
  });

  it('all get their answer when the circuit opens while they wait', () => {
    const circuitBreaker = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
    const { call, usage, clock, listener } = withBulkhead(1, 5_000, { policy: { circuitBreaker } });
    const running = call();
    const waiting = Array.from({ length: 5_000 }, () => call());
    running.failWith('ECONNRESET');
    assert.ok(waiting.every(({ failedWith }) => codeOf(failedWith) === 'ERR_RESILIENCE_CIRCUIT_OPEN'));
    assert.deepEqual(usage(), { executing: 0, queued: 0 });
    assert.equal(clock.pending, 0);
    assert.equal(listener.ended.length, 5_001);
  });

  it('all go through when it only observes, and leave nothing behind', () => {
    const { call, clock, usage, engine } = withBulkhead(1, 1, { mode: 'observe' });
    const all = [call(), call(), call()];
    for (const exchange of all) {
      exchange.respondWith(200);
      exchange.listener?.onBodyEnd();
      assert.deepEqual(exchange.log, ['first', 'deliver']);
    }
    assert.deepEqual(usage(), { executing: 0, queued: 0 });
    assert.equal(clock.pending, 0);
    assert.equal(engine.snapshots()[0]?.rejections.bulkhead_full, undefined);
  });

  it('leave another upstream alone', () => {
    const full = withBulkhead(1, 0);
    const other = withBulkhead(1, 0);
    full.call();
    assert.equal(codeOf(full.call().failedWith), 'ERR_RESILIENCE_BULKHEAD_FULL');
    assert.deepEqual(other.call().log, ['first']);
  });
});
