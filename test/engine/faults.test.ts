import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildStages } from '../../src/engine/build-pipeline.ts';
import type { ResilienceEvent } from '../../src/engine/events.ts';
import { BULKHEAD_DEFAULTS } from '../../src/strategies/bulkhead/options.ts';
import type { BodyObserver, Guard, Recovery } from '../../src/strategies/shared/contract.ts';
import { engineHarness, ScriptedQueue, ScriptedRecovery } from '../support/engine-harness.ts';
import { RecordingListener } from '../support/recording-listener.ts';

const FAULT = new Error('a fault of ours');

function fail(): never {
  throw FAULT;
}

/** A guard that counts what it has given out and not got back. */
class Counting implements Guard {
  held = 0;

  acquire() {
    this.held++;
    return { kind: 'permit', release: () => this.held-- } as const;
  }
}

class FaultyListener extends RecordingListener {
  failsOn: ResilienceEvent['type'] | 'start' | 'attempt' | 'end' | undefined;

  override callStarted(call: Parameters<RecordingListener['callStarted']>[0]): void {
    if (this.failsOn === 'start') fail();
    super.callStarted(call);
  }
  override event(...args: Parameters<RecordingListener['event']>): void {
    if (this.failsOn === args[0].type) fail();
    super.event(...args);
  }
  override attempt(...args: Parameters<RecordingListener['attempt']>): void {
    if (this.failsOn === 'attempt') fail();
    super.attempt(...args);
  }
  override callEnded(...args: Parameters<RecordingListener['callEnded']>): void {
    if (this.failsOn === 'end') fail();
    super.callEnded(...args);
  }
}

describe('a fault of ours', () => {
  it('in a guard leaves the call to its adapter, and gives back what the guards before it gave', () => {
    const counting = new Counting();
    const { call, pipeline, faults, clock } = engineHarness({
      guards: [counting, { acquire: fail }],
      policy: { timeout: { attemptMs: 10, totalMs: 100, idleMs: undefined } },
    });
    const exchange = call();
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.deepEqual(faults, [FAULT]);
    assert.equal(counting.held, 0);
    assert.equal(pipeline().active, 0);
    assert.equal(clock.pending, 0);
  });

  it('in the listener leaves the call to its adapter', () => {
    for (const failsOn of ['start', 'attempt', 'end'] as const) {
      const listener = new FaultyListener();
      listener.failsOn = failsOn;
      const { call, pipeline, faults } = engineHarness({ listener });
      const exchange = call();
      let sent = 0;
      exchange.listener?.withAttemptContext(() => sent++);
      exchange.respondWith(200);
      exchange.listener?.onBodyEnd();
      assert.deepEqual(exchange.log, ['first', 'deliver'], failsOn);
      assert.equal(sent, 1, failsOn);
      assert.deepEqual(faults, [FAULT], failsOn);
      assert.equal(pipeline().active, 0, failsOn);
    }
  });

  it('in a recovery gives the app the outcome, and frees the slot', () => {
    for (const kind of ['response', 'error'] as const) {
      const recovery: Recovery = { mayResend: true, recover: fail };
      const { call, engine, faults } = engineHarness({ recoveries: [recovery], guards: [new Counting()] });
      const exchange = call();
      if (kind === 'response') exchange.respondWith(503);
      else exchange.failWith('ECONNRESET');
      exchange.listener?.onBodyEnd();
      assert.deepEqual(exchange.log, ['first', 'deliver']);
      assert.deepEqual(faults, [FAULT]);
      assert.equal(engine.snapshots()[0]?.circuits[0]?.failures, 1);
    }
  });

  it('in what ends a call frees the slots all the same', () => {
    const counting = new Counting();
    const faulty: Guard = { acquire: () => ({ kind: 'permit', release: fail }) };
    const { call, pipeline, faults, listener } = engineHarness({ guards: [faulty, counting] });
    const exchange = call();
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();
    assert.deepEqual(faults, [FAULT]);
    assert.equal(counting.held, 0);
    assert.equal(pipeline().active, 0);
    assert.equal(listener.ended.length, 1);
  });

  it('in a back-off gives the app what is held', () => {
    const listener = new FaultyListener();
    const recovery = new ScriptedRecovery({ kind: 'retry', afterMs: 50, reason: 'status' });
    const { call, clock, faults, pipeline } = engineHarness({ listener, recoveries: [recovery] });
    const exchange = call();
    exchange.respondWith(503);
    const breaker = pipeline().parts.primary.breaker;
    assert.ok(breaker !== undefined);
    Object.defineProperty(breaker, 'acquire', { value: fail });
    clock.advance(50);
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.deepEqual(faults, [FAULT]);
    assert.equal(pipeline().active, 0);
  });

  it('when a queued call has its turn has it made plainly, and its slot given back', () => {
    const queue = new ScriptedQueue();
    const listener = new FaultyListener();
    listener.failsOn = 'call_queued';
    const { call, faults, clock } = engineHarness({ guards: [queue], listener });
    const exchange = call();
    queue.admitNext(clock.now());
    exchange.respondWith(200);
    assert.deepEqual(exchange.log, ['send 1 http://upstream.test', 'deliver']);
    assert.deepEqual(faults, [FAULT]);
    assert.deepEqual(queue.verdicts, ['ignored']);
  });

  it('of an adapter that cannot send a queued call fails that call alone', () => {
    const { call, faults, engine } = engineHarness({
      policy: { bulkhead: { ...BULKHEAD_DEFAULTS, maxConcurrent: 1, maxQueue: 2 } },
      buildStages,
    });
    const [running, queued, next] = [call(), call(), call()];
    queued.send = fail;
    running.respondWith(200);
    running.listener?.onBodyEnd();
    assert.deepEqual(queued.log, ['fail']);
    assert.deepEqual(next.log, ['send 1 http://upstream.test']);
    assert.deepEqual(faults, [FAULT]);
    assert.equal(engine.snapshots()[0]?.bulkhead?.executing, 1);
  });

  it('in a tap ends the tap, not the body', () => {
    const seen: number[] = [];
    const faulty: BodyObserver = { chunk: fail, end: fail };
    const good: BodyObserver = {
      chunk: (data) => seen.push(data.length),
      end: (complete) => seen.push(complete ? 1 : 0),
    };
    const tapping = (tap: BodyObserver): Recovery => ({
      mayResend: false,
      recover: () => undefined,
      capture: () => tap,
    });
    const { call, faults, pipeline } = engineHarness({ recoveries: [tapping(faulty), tapping(good)] });
    const exchange = call();
    exchange.respondWith(200);
    exchange.listener?.bodyObserver?.chunk(new Uint8Array(5));
    exchange.listener?.bodyObserver?.chunk(new Uint8Array(7));
    exchange.listener?.onBodyEnd();
    assert.deepEqual(seen, [5, 7, 1]);
    assert.deepEqual(faults, [FAULT]);
    assert.equal(pipeline().active, 0);
  });
});

describe('a time limit of an attempt that came sooner than its adapter asked for it', () => {
  it('cancels the attempt', () => {
    const { call, clock } = engineHarness({
      policy: { timeout: { attemptMs: 100, totalMs: undefined, idleMs: undefined } },
      recoveries: [new ScriptedRecovery({ kind: 'retry', afterMs: 5, reason: 'error' })],
    });
    const exchange = call();
    assert.equal(
      exchange.listener?.onError(exchange.current, Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
      'hold',
    );
    clock.advance(5);
    clock.advance(100);
    assert.deepEqual(exchange.log, ['first', 'send 2 http://upstream.test', 'cancel', 'deliver']);
  });
});

describe('a time limit that ends between the decision for an attempt and the attempt', () => {
  it('gives the app what is held, as soon as the adapter asks, for no attempt is made', () => {
    const { call, clock } = engineHarness({
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
      recoveries: [
        new ScriptedRecovery({ kind: 'endpoint', endpoint: { name: 'other', target: undefined, breaker: undefined } }),
      ],
    });
    const exchange = call();
    assert.equal(
      exchange.listener?.onError(exchange.current, Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
      'hold',
    );
    clock.advance(40);
    exchange.listener?.proceed();
    assert.deepEqual(exchange.log, ['first', 'release']);
    assert.equal(exchange.execution.errorType, 'ECONNRESET');
    assert.equal(clock.pending, 0);
  });
});
