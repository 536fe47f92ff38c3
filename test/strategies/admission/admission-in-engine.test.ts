import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildStages } from '../../../src/engine/build-pipeline.ts';
import { ADMISSION_DEFAULTS } from '../../../src/strategies/admission/options.ts';
import { BULKHEAD_DEFAULTS } from '../../../src/strategies/bulkhead/options.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_DEFAULTS } from '../../../src/strategies/fallback/options.ts';
import { RATE_LIMITER_DEFAULTS } from '../../../src/strategies/rate-limiter/options.ts';
import { RETRY_DEFAULTS } from '../../../src/strategies/retry/options.ts';
import type { Mode, Policy } from '../../../src/strategies/shared/policy.ts';
import { engineHarness } from '../../support/engine-harness.ts';

/** Chance is 0.5 in there, so a call is refused as soon as more than half of them are to be. */
function withAdmission(policy: Partial<Policy> = {}, mode: Mode = 'enforce') {
  const harness = engineHarness({
    policy: { circuitBreaker: undefined, admission: ADMISSION_DEFAULTS, ...policy },
    mode,
    buildStages,
  });
  const snapshot = () => harness.engine.snapshots()[0] ?? assert.fail();
  const probability = () => snapshot().admission?.probability;
  const answered = (status: number, times = 1): void => {
    for (let i = 0; i < times; i++) {
      const one = harness.call();
      one.respondWith(status);
      one.listener?.onBodyEnd();
    }
  };
  return { ...harness, snapshot, probability, answered };
}

const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code;

describe('calls that must be admitted', () => {
  it('are refused without being sent once too few are accepted, and count as refused', () => {
    const { call, answered, snapshot, listener } = withAdmission();
    answered(503, 2);
    const refused = call();
    assert.deepEqual(refused.log, ['fail']);
    assert.equal(codeOf(refused.failedWith), 'ERR_RESILIENCE_ADMISSION');
    assert.deepEqual(snapshot().rejections, { admission: 1 });
    assert.equal(snapshot().results.rejected, 1);
    assert.deepEqual(listener.events.at(-1)?.event, { type: 'call_rejected', reason: 'admission' });
    assert.equal(listener.ended.at(-1)?.call.errorType, 'admission');
  });

  it('count once, by the last the upstream said: a call that a retry saved was accepted', () => {
    const { call, clock, probability } = withAdmission({ retry: RETRY_DEFAULTS });
    const saved = call();
    saved.respondWith(503);
    clock.advance(RETRY_DEFAULTS.backoff.maxMs);
    saved.respondWith(200);
    saved.listener?.onBodyEnd();
    assert.equal(probability(), 0);
  });

  it('are not retried when they are refused, and a fallback may answer for them', () => {
    const response = { status: 200, headers: {}, body: 'instead', json: undefined };
    const { call, answered, snapshot } = withAdmission({
      retry: { ...RETRY_DEFAULTS, maxRetries: 0 },
      fallback: { ...FALLBACK_DEFAULTS, response },
    });
    answered(503, 2);
    const refused = call();
    assert.deepEqual(refused.log, ['respond 200']);
    assert.equal(snapshot().rejections.admission, 1);
    assert.deepEqual(snapshot().retries, {});
  });

  it('count for nothing when something of ours further in refuses them, or their caller leaves', () => {
    const limiter = { ...RATE_LIMITER_DEFAULTS, permits: 3, burst: 3, intervalMs: 1_000_000 };
    const circuitBreaker = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
    for (const policy of [{ rateLimiter: limiter }, { bulkhead: { ...BULKHEAD_DEFAULTS, maxConcurrent: 3 } }]) {
      const { call, probability } = withAdmission(policy);
      const running = [call(), call(), call()];
      for (let i = 0; i < 5; i++) call();
      for (const one of running) one.listener?.onAbort();
      assert.equal(probability(), 0);
    }
    const { call, probability } = withAdmission({ circuitBreaker });
    call().failWith('ECONNRESET');
    const before = probability();
    assert.equal(codeOf(call().failedWith), 'ERR_RESILIENCE_CIRCUIT_OPEN');
    assert.equal(probability(), before);
  });

  it('spend no permit of the rate limiter when they are refused', () => {
    const { call, answered } = withAdmission({
      rateLimiter: { ...RATE_LIMITER_DEFAULTS, permits: 3, burst: 3, intervalMs: 1_000_000 },
    });
    answered(503, 2);
    for (let i = 0; i < 5; i++) assert.equal(codeOf(call().failedWith), 'ERR_RESILIENCE_ADMISSION');
  });

  it('all go through when it only observes, and what it would have done is told; its state moves the same', () => {
    const { call, answered, snapshot, probability, listener } = withAdmission({}, 'observe');
    answered(503, 2);
    const before = probability() ?? assert.fail();
    assert.deepEqual(call().log, ['first']);
    assert.deepEqual(snapshot().rejections, { admission: 1 });
    assert.deepEqual(listener.events.at(-1)?.event, { type: 'call_rejected', reason: 'admission' });
    assert.ok((probability() ?? 0) > before);
  });

  it('keep an upstream that is being spared in the registry, until its window is over', () => {
    const { answered, pipeline, clock } = withAdmission();
    answered(503, 2);
    assert.ok(pipeline().holdsState(clock.now()));
    clock.advance(ADMISSION_DEFAULTS.windowMs + 3_000);
    assert.ok(!pipeline().holdsState(clock.now()));
  });
});
