import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { RATE_LIMITER_DEFAULTS, type RateLimiterOptions } from '../../../src/strategies/rate-limiter/options.ts';
import { RateLimiter } from '../../../src/strategies/rate-limiter/rate-limiter.ts';
import type { Endpoint } from '../../../src/strategies/shared/contract.ts';
import { engineHarness, type HarnessOptions, ScriptedRecovery } from '../../support/engine-harness.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function withLimiter(given: Partial<RateLimiterOptions>, options: HarnessOptions = {}) {
  const clock = new ManualClock();
  const limits = { ...RATE_LIMITER_DEFAULTS, permits: undefined, burst: 0, ...given };
  const limiter = new RateLimiter(limits, { upstream: 'http://upstream.test', clock, wallClockMs: () => 0 });
  return engineHarness({ ...options, clock, guards: [limiter] });
}

const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code;

describe('calls through a rate limiter', () => {
  it('never move the circuit breaker by being rejected', () => {
    const circuitBreaker = { ...CIRCUIT_BREAKER_DEFAULTS, minimumCalls: 1, consecutiveFailures: 1 };
    const { call, engine } = withLimiter({ permits: 1, burst: 1 }, { policy: { circuitBreaker } });
    call();
    for (let i = 0; i < 20; i++) assert.equal(codeOf(call().failedWith), 'ERR_RESILIENCE_RATE_LIMITED');
    const [snapshot] = engine.snapshots();
    assert.equal(snapshot?.rejections.rate_limited, 20);
    assert.equal(snapshot?.circuits[0]?.state, 'closed');
    assert.equal(snapshot?.circuits[0]?.counted, 0);
  });

  it('wait for their token, and leave the line when their caller does', () => {
    const { call, clock } = withLimiter({ permits: 10, burst: 1, maxWaitMs: 500 });
    call();
    const [left, next] = [call(), call()];
    clock.advance(50);
    left.listener?.onAbort();
    clock.advance(50);
    assert.deepEqual(left.log, []);
    assert.deepEqual(next.log, ['send 1 http://upstream.test']);
  });

  it('are held back by the Retry-After of another, which itself goes to the app as it came', () => {
    const { call, clock } = withLimiter({});
    const throttled = call();
    throttled.respondWith(429, { 'retry-after': '3' });
    assert.deepEqual(throttled.log, ['first', 'deliver']);
    assert.equal(codeOf(call().failedWith), 'ERR_RESILIENCE_RATE_LIMITED');
    clock.advance(3_000);
    assert.deepEqual(call().log, ['first']);
  });

  it('are not held back by what a fallback endpoint asks for', () => {
    const target = {
      protocol: 'http:',
      host: 'backup.test',
      port: 80,
      basePath: '',
      forwardCredentials: false,
    } as const;
    const endpoint: Endpoint = { name: 'backup', target, breaker: undefined };
    const { call } = withLimiter({}, { recoveries: [new ScriptedRecovery({ kind: 'endpoint', endpoint })] });
    const diverted = call();
    diverted.failWith('ECONNREFUSED');
    diverted.respondWith(503, { 'retry-after': '3' });
    assert.deepEqual(diverted.log, ['first', 'hold', 'send 2 backup', 'deliver']);
    assert.deepEqual(call().log, ['first']);
  });

  it('all go through when it only observes, and what it would have done is counted', () => {
    const { call, engine, clock } = withLimiter({ permits: 1, burst: 1, maxWaitMs: 1_000 }, { mode: 'observe' });
    for (let i = 0; i < 4; i++) assert.deepEqual(call().log, ['first']);
    call().respondWith(503, { 'retry-after': '5' });
    assert.deepEqual(call().log, ['first']);
    assert.equal(engine.snapshots()[0]?.rejections.rate_limited, 1);
    assert.equal(clock.pending, 0);
  });
});
