import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { BulkheadFullError, BulkheadTimeoutError } from '../../../src/errors.ts';
import { Bulkhead } from '../../../src/strategies/bulkhead/bulkhead.ts';
import type { Permit, Queued, Rejection } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function bulkheadOf(maxConcurrent: number, maxQueue: number, queueTimeoutMs = 100) {
  const clock = new ManualClock();
  const bulkhead = new Bulkhead(
    { maxConcurrent, maxQueue, queueTimeoutMs, adaptive: undefined },
    { upstream: 'payments', clock },
  );
  const enter = () => bulkhead.acquire(callInfo(), clock.now());
  const run = (): Permit => {
    const admission = enter();
    assert.ok(admission.kind === 'permit');
    return admission;
  };
  const rejected = (): Rejection => {
    const admission = enter();
    assert.ok(admission.kind === 'rejection');
    return admission;
  };
  /** Enters the queue; what becomes of it is noted in `settled`. */
  const settled: string[] = [];
  const permits = new Map<string, Permit>();
  const wait = (name: string): Queued => {
    const admission = enter();
    assert.ok(admission.kind === 'queued');
    admission.onSettled((outcome, nowMs) => {
      settled.push(`${name}: ${outcome.kind === 'permit' ? 'permit' : outcome.reason} at ${nowMs - 1_000}`);
      if (outcome.kind === 'permit') permits.set(name, outcome);
    });
    return admission;
  };
  const usage = () => {
    const { executing, queued } = bulkhead.snapshot();
    return { executing, queued };
  };
  return { bulkhead, clock, enter, run, rejected, wait, settled, permits, usage };
}

describe('a bulkhead', () => {
  it('admits up to its limit and rejects the rest when nothing may wait', () => {
    const { run, rejected, usage } = bulkheadOf(2, 0);
    run();
    run();
    const rejection = rejected();
    assert.equal(rejection.reason, 'bulkhead_full');
    assert.deepEqual(usage(), { executing: 2, queued: 0 });
  });

  it('names upstream and limits when it is full', () => {
    const { run, wait, rejected } = bulkheadOf(1, 1);
    run();
    wait('a');
    const error = rejected().toError();
    assert.ok(error instanceof BulkheadFullError);
    assert.equal(error.code, 'ERR_RESILIENCE_BULKHEAD_FULL');
    assert.equal(error.message, 'bulkhead of payments is full (1 calls running, 1 queued)');
  });

  it('makes no timer for a call that need not wait', () => {
    const { run, clock } = bulkheadOf(2, 2);
    run().release('success', clock.now());
    assert.equal(clock.pending, 0);
  });

  it('admits another call once one has ended, however it ended', () => {
    const { run, clock, usage } = bulkheadOf(1, 0);
    run().release('success', clock.now());
    run().release('failure', clock.now());
    run().release('ignored', clock.now());
    assert.deepEqual(usage(), { executing: 0, queued: 0 });
  });

  it('frees a slot once, though it be released twice', () => {
    const { run, rejected, clock, usage } = bulkheadOf(2, 0);
    const first = run();
    run();
    first.release('success', clock.now());
    first.release('success', clock.now());
    run();
    rejected();
    assert.deepEqual(usage(), { executing: 2, queued: 0 });
  });

  it('hands the slot of a call that ended to the one that waits longest', () => {
    const { run, wait, settled, permits, clock, usage } = bulkheadOf(1, 3);
    const running = run();
    for (const name of ['a', 'b', 'c']) wait(name);
    clock.advance(10);
    running.release('success', clock.now());
    assert.deepEqual(settled, ['a: permit at 10']);
    assert.deepEqual(usage(), { executing: 1, queued: 2 });
    permits.get('a')?.release('success', clock.now());
    permits.get('b')?.release('success', clock.now());
    assert.deepEqual(settled, ['a: permit at 10', 'b: permit at 10', 'c: permit at 10']);
    assert.equal(clock.pending, 0);
  });

  it('rejects a call that waited for as long as it may', () => {
    const { run, wait, settled, clock, bulkhead, usage } = bulkheadOf(1, 2, 100);
    run();
    wait('a');
    clock.advance(50);
    wait('b');
    clock.advance(50);
    assert.deepEqual(settled, ['a: bulkhead_timeout at 100']);
    assert.deepEqual(usage(), { executing: 1, queued: 1 });
    clock.advance(50);
    assert.deepEqual(settled.at(-1), 'b: bulkhead_timeout at 150');
    assert.equal(bulkhead.snapshot().queued, 0);
  });

  it('says in that error how long the call waited', () => {
    const { run, enter, clock } = bulkheadOf(1, 1, 100);
    run();
    const queued = enter();
    assert.ok(queued.kind === 'queued');
    let outcome: Permit | Rejection | undefined;
    queued.onSettled((settledWith) => {
      outcome = settledWith;
    });
    clock.advance(100);
    assert.ok(outcome?.kind === 'rejection');
    const error = outcome.toError();
    assert.ok(error instanceof BulkheadTimeoutError);
    assert.equal(error.code, 'ERR_RESILIENCE_BULKHEAD_TIMEOUT');
    assert.equal(error.message, 'no slot in the bulkhead of payments within 100 ms');
  });

  it('keeps the process up for those who wait', () => {
    const { run, wait, clock } = bulkheadOf(1, 2);
    run();
    wait('a');
    wait('b');
    assert.equal(clock.pendingThatHoldTheProcess, 2);
  });

  it('gives the place of a caller who left to another at once, and tells the one who left nothing', () => {
    const { run, wait, rejected, settled, clock, usage } = bulkheadOf(1, 2);
    const running = run();
    wait('a');
    const left = wait('b');
    rejected();
    left.cancel(clock.now());
    left.cancel(clock.now());
    assert.deepEqual(usage(), { executing: 1, queued: 1 });
    wait('c');
    running.release('success', clock.now());
    clock.advance(1_000);
    assert.deepEqual(settled, ['a: permit at 0', 'c: bulkhead_timeout at 100']);
    assert.equal(clock.pending, 0);
  });

  it('does not take back the slot of a caller who leaves after it was admitted', () => {
    const { run, wait, clock, usage } = bulkheadOf(1, 1);
    const running = run();
    const admitted = wait('a');
    running.release('success', clock.now());
    admitted.cancel(clock.now());
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
  });

  it('passes the slot on when the one it was given to cannot take it', () => {
    const { run, enter, wait, settled, clock, usage } = bulkheadOf(1, 2);
    const running = run();
    const broken = enter();
    assert.ok(broken.kind === 'queued');
    broken.onSettled(() => {
      throw new Error('listener');
    });
    wait('b');
    running.release('success', clock.now());
    assert.deepEqual(settled, ['b: permit at 0']);
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
  });

  it('gives a slot that was settled before anybody listened to the one who asks', () => {
    const { run, enter, clock } = bulkheadOf(1, 1);
    const running = run();
    const queued = enter();
    assert.ok(queued.kind === 'queued');
    running.release('success', clock.now());
    const outcomes: string[] = [];
    queued.onSettled((outcome) => outcomes.push(outcome.kind));
    assert.deepEqual(outcomes, ['permit']);
  });

  it('lets a newcomer wait behind those who are about to be admitted', () => {
    const { run, enter, wait, settled, clock } = bulkheadOf(1, 3);
    const running = run();
    const first = enter();
    assert.ok(first.kind === 'queued');
    first.onSettled((permit, nowMs) => {
      if (permit.kind === 'permit') permit.release('success', nowMs);
      wait('newcomer');
    });
    wait('b');
    running.release('success', clock.now());
    assert.deepEqual(settled, ['b: permit at 0']);
  });

  it('drains a line of any length whose calls all end in their own admission', () => {
    const { run, enter, clock, usage } = bulkheadOf(1, 100_000);
    const running = run();
    let admitted = 0;
    for (let i = 0; i < 100_000; i++) {
      const queued = enter();
      assert.ok(queued.kind === 'queued');
      queued.onSettled((permit, nowMs) => {
        admitted++;
        if (permit.kind === 'permit') permit.release('ignored', nowMs);
      });
    }
    running.release('success', clock.now());
    assert.equal(admitted, 100_000);
    assert.deepEqual(usage(), { executing: 0, queued: 0 });
  });
});

describe('a bulkhead under new options', () => {
  it('admits those who wait at once, as far as the larger limit goes', () => {
    const { bulkhead, run, wait, settled, clock, usage } = bulkheadOf(1, 3);
    run();
    for (const name of ['a', 'b', 'c']) wait(name);
    bulkhead.reconfigure({ maxConcurrent: 3, maxQueue: 3, queueTimeoutMs: 100, adaptive: undefined }, clock.now());
    assert.deepEqual(settled, ['a: permit at 0', 'b: permit at 0']);
    assert.deepEqual(usage(), { executing: 3, queued: 1 });
  });

  it('lets those who are in stay, and admits nobody until they are fewer than the smaller limit', () => {
    const { bulkhead, run, rejected, clock, usage } = bulkheadOf(3, 0);
    const running = [run(), run(), run()];
    bulkhead.reconfigure({ maxConcurrent: 1, maxQueue: 0, queueTimeoutMs: 100, adaptive: undefined }, clock.now());
    running[0]?.release('success', clock.now());
    rejected();
    running[1]?.release('success', clock.now());
    rejected();
    assert.deepEqual(usage(), { executing: 1, queued: 0 });
    running[2]?.release('success', clock.now());
    run();
  });
});
