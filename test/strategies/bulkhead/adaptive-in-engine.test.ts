import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildStages } from '../../../src/engine/build-pipeline.ts';
import { ADAPTIVE_DEFAULTS } from '../../../src/strategies/bulkhead/adaptive-options.ts';
import { Bulkhead } from '../../../src/strategies/bulkhead/bulkhead.ts';
import type { BulkheadOptions } from '../../../src/strategies/bulkhead/options.ts';
import { RETRY_DEFAULTS } from '../../../src/strategies/retry/options.ts';
import type { Mode, Policy } from '../../../src/strategies/shared/policy.ts';
import { callInfo } from '../../support/call-info.ts';
import { engineHarness } from '../../support/engine-harness.ts';
import type { FakeExchange } from '../../support/fake-exchange.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const ADAPTIVE: BulkheadOptions = {
  maxConcurrent: 100,
  maxQueue: 0,
  queueTimeoutMs: 1_000,
  adaptive: { ...ADAPTIVE_DEFAULTS, initial: 10 },
};

const PLENTY = { ratio: 1, minPerSecond: 10_000, windowMs: 10_000 };

function adaptive(options: Partial<BulkheadOptions> = {}, policy: Partial<Policy> = {}, mode: Mode = 'enforce') {
  const bulkhead = { ...ADAPTIVE, ...options };
  const harness = engineHarness({ policy: { circuitBreaker: undefined, bulkhead, ...policy }, mode, buildStages });
  harness.pipeline();
  const snapshot = () => harness.engine.snapshots()[0] ?? assert.fail();
  const limit = () => snapshot().bulkhead?.maxConcurrent ?? assert.fail();
  const end = (one: FakeExchange, status = 200): void => {
    one.respondWith(status);
    one.listener?.onBodyEnd();
  };
  /** As many calls at a time as may be, each round answered after `headMs`. */
  const rounds = (count: number, headMs: number, status = 200): void => {
    for (let round = 0; round < count; round++) {
      const calls = Array.from({ length: limit() }, () => harness.call());
      harness.clock.advance(headMs);
      for (const one of calls) end(one, status);
    }
  };
  return { ...harness, snapshot, limit, rounds, end };
}

const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code;

describe('calls through a bulkhead that adapts', () => {
  it('may be more and more while their heads take no longer, up to the ceiling', () => {
    const { rounds, limit } = adaptive({ maxConcurrent: 30 });
    rounds(120, 10);
    assert.equal(limit(), 30);
  });

  it('are refused at the limit of now, as by any bulkhead, and the error says it', () => {
    const { call, snapshot } = adaptive();
    for (let i = 0; i < 10; i++) assert.deepEqual(call().log, ['first']);
    const refused = call();
    assert.equal(codeOf(refused.failedWith), 'ERR_RESILIENCE_BULKHEAD_FULL');
    assert.match(String(refused.failedWith?.message), /10 calls running, 0 queued/);
    assert.deepEqual(snapshot().bulkhead, {
      executing: 10,
      queued: 0,
      maxConcurrent: 10,
      maxQueue: 0,
      adaptive: { min: 5, max: 100 },
    });
  });

  it('are timed from their attempt to its head: neither by their back-off nor by their body', () => {
    const retry = { ...RETRY_DEFAULTS, backoff: { baseMs: 100, maxMs: 100 }, budget: PLENTY };
    const { call, clock, limit } = adaptive({ maxConcurrent: 15 }, { retry });
    for (let round = 0; round < 60; round++) {
      const calls = Array.from({ length: limit() }, () => call());
      clock.advance(1);
      for (const one of calls) one.respondWith(503);
      clock.advance(50); // half of the longest back-off, as chance is 0.5
      clock.advance(10);
      for (const one of calls) one.respondWith(200);
      clock.advance(40 * round);
      for (const one of calls) one.listener?.onBodyEnd();
    }
    assert.equal(limit(), 15);
  });

  it('say nothing by failing fast, or by a 429', () => {
    for (const status of [503, 429]) {
      const { rounds, limit } = adaptive();
      rounds(20, 1, status);
      assert.equal(limit(), 10);
    }
  });

  it('lower the limit by a tenth when an attempt runs into its timeout', () => {
    const timeout = { attemptMs: 50, totalMs: undefined, idleMs: undefined };
    const { call, clock, limit } = adaptive({}, { timeout });
    for (let i = 0; i < 10; i++) call();
    clock.advance(50);
    assert.equal(limit(), 9);
  });

  it('lower it as well when the client itself gives up waiting, or the total time is over', () => {
    const client = adaptive();
    client.call().failWith('UND_ERR_HEADERS_TIMEOUT');
    assert.equal(client.limit(), 9);
    const total = adaptive({}, { timeout: { attemptMs: undefined, totalMs: 50, idleMs: undefined } });
    total.call();
    total.clock.advance(50);
    assert.equal(total.limit(), 9);
  });

  it('do not lower it by a reset, by leaving, or when they were refused', () => {
    const { call, limit } = adaptive();
    call().failWith('ECONNRESET');
    call().listener?.onAbort();
    for (let i = 0; i < 30; i++) call();
    assert.equal(limit(), 10);
  });

  it('follow the same limit when it only observes, and go through all the same', () => {
    const { call, clock, limit, snapshot, end } = adaptive({ maxConcurrent: 30 }, {}, 'observe');
    for (let round = 0; round < 120; round++) {
      const calls = Array.from({ length: limit() + 2 }, () => call());
      clock.advance(10);
      for (const one of calls) {
        end(one);
        assert.deepEqual(one.log, ['first', 'deliver']);
      }
    }
    assert.equal(limit(), 30);
    assert.equal(snapshot().rejections.bulkhead_full, 240);
  });

  it('that wait go at once when the limit rises, not only when another has ended', () => {
    const clock = new ManualClock();
    const bulkhead = new Bulkhead({ ...ADAPTIVE, maxQueue: 100 }, { upstream: 'search', clock });
    const enter = () => bulkhead.acquire(callInfo(), clock.now());
    const running = Array.from({ length: 10 }, enter);
    for (let i = 0; i < 5; i++) {
      const waiting = enter();
      if (waiting.kind === 'queued') waiting.onSettled(() => {});
    }
    assert.equal(bulkhead.snapshot().queued, 5);
    // Heads only: none of them has ended.
    for (let i = 0; i < 10; i++) {
      for (const permit of running) if (permit.kind === 'permit') permit.headCame?.(10, clock.now());
    }
    const { executing, queued, maxConcurrent } = bulkhead.snapshot();
    assert.ok(maxConcurrent > 10 && executing > 10, `${executing} of ${maxConcurrent}`);
    assert.equal(executing + queued, 15);
    assert.ok(queued === 0 || executing === maxConcurrent);
  });

  it('go on from where the limit is under other options', () => {
    const { rounds, limit } = adaptive();
    rounds(8, 10);
    const reached = limit();
    assert.ok(reached > 10);
    const clock = new ManualClock();
    const bulkhead = new Bulkhead(ADAPTIVE, { upstream: 'search', clock });
    bulkhead.reconfigure({ ...ADAPTIVE, maxConcurrent: 8 }, clock.now());
    assert.equal(bulkhead.snapshot().maxConcurrent, 8);
    bulkhead.reconfigure({ ...ADAPTIVE, adaptive: undefined }, clock.now());
    assert.equal(bulkhead.snapshot().maxConcurrent, 100);
  });
});
