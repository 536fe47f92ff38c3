import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildStages } from '../../src/engine/build-pipeline.ts';
import { ADMISSION_DEFAULTS } from '../../src/strategies/admission/options.ts';
import { ADAPTIVE_DEFAULTS } from '../../src/strategies/bulkhead/adaptive-options.ts';
import { FALLBACK_DEFAULTS } from '../../src/strategies/fallback/options.ts';
import { RETRY_DEFAULTS } from '../../src/strategies/retry/options.ts';
import type { Policy } from '../../src/strategies/shared/policy.ts';
import { engineHarness, type HarnessOptions } from '../support/engine-harness.ts';

const NONE = { circuitBreaker: undefined };

function harness(policy: Partial<Policy>, options: HarnessOptions = {}) {
  const made = engineHarness({ policy: { ...NONE, ...policy }, buildStages, ...options });
  return { ...made, snapshot: () => made.engine.snapshots()[0] ?? assert.fail('no upstream') };
}

describe('An adaptive bulkhead under the engine', () => {
  const bulkhead = (initial: number, maxQueue = 0) => ({
    maxConcurrent: 100,
    maxQueue,
    queueTimeoutMs: 10_000,
    adaptive: { ...ADAPTIVE_DEFAULTS, initial },
  });

  it('begins at its initial limit, and refuses beyond it as any bulkhead', () => {
    const { call, snapshot } = harness({ bulkhead: bulkhead(6) });
    const calls = Array.from({ length: 7 }, () => call());
    assert.equal(snapshot().bulkhead?.maxConcurrent, 6);
    assert.equal(calls.filter(({ failedWith }) => failedWith !== undefined).length, 1);
    assert.match(String(calls[6]?.failedWith), /bulkhead of .* is full \(6 calls running, 0 queued\)/);
  });

  it('lowers its limit by a tenth when an attempt runs out of time, and not for a failure that is fast', () => {
    const timeout = { attemptMs: 100, totalMs: undefined, idleMs: undefined };
    const { call, clock, snapshot } = harness({ bulkhead: bulkhead(20), timeout });
    call().failWith('ECONNRESET');
    call().respondWith(503);
    assert.equal(snapshot().bulkhead?.maxConcurrent, 20);
    call();
    clock.advance(100);
    assert.equal(snapshot().bulkhead?.maxConcurrent, 18);
  });

  it('raises its limit while heads come as fast as ever, and lets those who wait go at once', () => {
    const { call, clock, snapshot } = harness({ bulkhead: bulkhead(10, 1_000) });
    // Always as many as may be: an upstream that takes 10 ms whatever comes.
    for (let round = 0; round < 200; round++) {
      const running = Array.from({ length: round === 0 ? 10 : (snapshot().bulkhead?.maxConcurrent ?? 0) }, () =>
        call(),
      );
      clock.advance(10);
      for (const one of running) {
        one.respondWith(200);
        one.listener?.onBodyEnd();
      }
    }
    assert.ok((snapshot().bulkhead?.maxConcurrent ?? 0) > 50, String(snapshot().bulkhead?.maxConcurrent));
    assert.deepEqual(snapshot().bulkhead?.executing, 0);
  });
});

describe('Admission under the engine', () => {
  const admission = { ...ADMISSION_DEFAULTS, windowMs: 10_000 };
  const fail = (one: { respondWith(status: number): void; listener?: { onBodyEnd(): void } | undefined }): void => {
    one.respondWith(503);
    one.listener?.onBodyEnd();
  };

  it('refuses nothing while the upstream accepts, and a share once it does not', () => {
    const { call, snapshot } = harness({ admission });
    for (let i = 0; i < 10; i++) {
      const one = call();
      one.respondWith(200);
      one.listener?.onBodyEnd();
    }
    assert.equal(snapshot().admission?.probability, 0);
    for (let i = 0; i < 40; i++) {
      const one = call();
      if (one.failedWith === undefined) fail(one);
    }
    // 50 requests, 10 accepted: (50 - 20) / 51.
    assert.ok(
      Math.abs((snapshot().admission?.probability ?? 0) - 30 / 51) < 0.02,
      String(snapshot().admission?.probability),
    );
    const refused = call();
    assert.equal((refused.failedWith as { code?: string } | undefined)?.code, 'ERR_RESILIENCE_ADMISSION');
    assert.ok((snapshot().rejections.admission ?? 0) > 0);
  });

  it('counts a call as accepted that a retry has saved, and not one that a fallback answered', () => {
    const retry = { ...RETRY_DEFAULTS, backoff: { baseMs: 1, maxMs: 1 } };
    const saved = harness({ admission: { ...admission, aggressiveness: 1 }, retry });
    const one = saved.call();
    one.respondWith(503);
    saved.clock.advance(1);
    one.respondWith(200);
    one.listener?.onBodyEnd();
    assert.equal(saved.snapshot().admission?.probability, 0);
    const degraded = { status: 200, headers: {}, body: 'degraded', json: undefined };
    const answered = harness({
      admission: { ...admission, aggressiveness: 1 },
      fallback: { ...FALLBACK_DEFAULTS, response: degraded },
    });
    answered.call().respondWith(503);
    assert.equal(answered.snapshot().admission?.probability, 0.5);
  });

  it('learns nothing from calls that the app gave up', () => {
    const { call, snapshot } = harness({ admission });
    for (let i = 0; i < 20; i++) call().listener?.onAbort();
    assert.equal(snapshot().admission?.probability, 0);
  });

  it('only tells of refusals in observe mode', () => {
    const { call, snapshot } = harness({ admission }, { mode: 'observe' });
    for (let i = 0; i < 30; i++) fail(call());
    assert.ok((snapshot().rejections.admission ?? 0) > 0);
    assert.equal(snapshot().results.rejected, 0);
  });
});
