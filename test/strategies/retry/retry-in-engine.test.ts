import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { buildStages } from '../../../src/engine/build-pipeline.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { RETRY_DEFAULTS, type RetryOptions } from '../../../src/strategies/retry/options.ts';
import { engineHarness, type HarnessOptions } from '../../support/engine-harness.ts';

function withRetry(given: Partial<RetryOptions> = {}, options: HarnessOptions = {}) {
  const policy = { ...options.policy, retry: { ...RETRY_DEFAULTS, ...given } };
  const harness = engineHarness({ ...options, policy, buildStages });
  const { budget } = harness.pipeline().parts;
  assert.ok(budget !== undefined);
  return { ...harness, budget };
}

const SENT_AGAIN = 'send 2 http://upstream.test';
const codeOf = (error: Error | undefined) => (error as { code?: string } | undefined)?.code;

/**
 * A whole outage: each call of the app is answered with 503, and so is whatever the engine makes of it. `appRetries`:
 * the app has a retry layer of its own, which makes another call for each that failed.
 */
function outage(harness: ReturnType<typeof withRetry>, calls: number, everyMs: number, appRetries = 0) {
  const open: Array<{ readonly exchange: ReturnType<typeof harness.call>; readonly retriesLeft: number }> = [];
  const made: Array<ReturnType<typeof harness.call>> = [];
  const begin = (retriesLeft: number): void => {
    const exchange = harness.call();
    made.push(exchange);
    open.push({ exchange, retriesLeft });
  };
  for (let tick = 0; tick < calls || open.length > 0; tick++) {
    if (tick < calls) begin(appRetries);
    for (const one of [...open]) {
      const last = one.exchange.log.at(-1);
      if (last === 'first' || last?.startsWith('send')) one.exchange.respondWith(503);
      if (one.exchange.log.at(-1) === 'hold') continue;
      open.splice(open.indexOf(one), 1);
      one.exchange.listener?.onBodyEnd();
      if (one.retriesLeft > 0) begin(one.retriesLeft - 1);
    }
    harness.clock.advance(everyMs);
  }
  return { calls: made.length, attempts: made.reduce((sum, { execution }) => sum + execution.attempts, 0) };
}

describe('calls with retries', () => {
  it('are saved by one, and the app sees but the good response', () => {
    const { call, clock, listener } = withRetry();
    const exchange = call();
    exchange.respondWith(503);
    clock.advance(24);
    assert.deepEqual(exchange.log, ['first', 'hold']);
    clock.advance(1);
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();
    assert.deepEqual(exchange.log, ['first', 'hold', SENT_AGAIN, 'deliver']);
    const event = { type: 'retry_scheduled', reason: 'status_code', delayMs: 25, resend: 1 };
    assert.deepEqual(
      listener.events.map(({ event: told }) => told),
      [event],
    );
    assert.equal(exchange.execution.result, 'success');
  });

  it('deliver the last real response when nothing helps', () => {
    const { call, clock } = withRetry({ maxRetries: 2 });
    const exchange = call();
    exchange.respondWith(500);
    clock.advance(25);
    exchange.respondWith(502);
    clock.advance(50);
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'hold', SENT_AGAIN, 'hold', 'send 3 http://upstream.test', 'deliver']);
    assert.equal(exchange.execution.errorType, '503');
  });

  it('wait for as long as the upstream asks', () => {
    const { call, clock } = withRetry(
      {},
      { policy: { timeout: { attemptMs: undefined, totalMs: 5_000, idleMs: undefined } } },
    );
    const exchange = call();
    exchange.respondWith(503, { 'retry-after': '2' });
    clock.advance(2_024);
    assert.deepEqual(exchange.log, ['first', 'hold']);
    clock.advance(1);
    assert.deepEqual(exchange.log, ['first', 'hold', SENT_AGAIN]);
  });

  it('deliver at once a response that asks for more time than is left', () => {
    const { call, clock, budget } = withRetry(
      {},
      { policy: { timeout: { attemptMs: undefined, totalMs: 5_000, idleMs: undefined } } },
    );
    const exchange = call();
    clock.advance(3_500);
    exchange.respondWith(503, { 'retry-after': '2' });
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.equal(budget.remaining(clock.now()), 10);
  });

  it('make none when their failure has opened the circuit, and spend nothing', () => {
    const circuitBreaker = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
    const { call, clock, budget } = withRetry({}, { policy: { circuitBreaker } });
    const exchange = call();
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.equal(budget.remaining(clock.now()), 10);
  });

  it('make none of our own refusals', () => {
    const bulkhead = { maxConcurrent: 1, maxQueue: 0, queueTimeoutMs: 100, adaptive: undefined };
    const { call, clock, budget } = withRetry({ maxRetries: 5 }, { policy: { bulkhead } });
    call();
    const refused = call();
    assert.equal(codeOf(refused.failedWith), 'ERR_RESILIENCE_BULKHEAD_FULL');
    assert.equal(refused.execution.attempts, 0);
    assert.equal(clock.pending, 0);
    assert.equal(budget.remaining(clock.now()), 10);
  });

  it('make none after their caller has left', () => {
    const { call, clock } = withRetry();
    const exchange = call();
    exchange.respondWith(503);
    exchange.listener?.onAbort();
    clock.advance(60_000);
    assert.deepEqual(exchange.log, ['first', 'hold']);
    assert.equal(clock.pending, 0);
  });

  it('make none when it only observes, and say that they would have', () => {
    const { call, clock, engine } = withRetry({}, { mode: 'observe' });
    const exchange = call();
    exchange.respondWith(503);
    clock.advance(60_000);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.equal(engine.snapshots()[0]?.retries.status_code, 1);
  });
});

describe('a POST with retries', () => {
  it('is sent once, whatever comes back', () => {
    const { call, clock } = withRetry({ maxRetries: 3 });
    const answered = call('POST');
    answered.respondWith(503);
    const reset = call('POST');
    reset.failWith('ECONNRESET');
    clock.advance(60_000);
    assert.deepEqual(answered.log, ['first', 'deliver']);
    assert.deepEqual(reset.log, ['first', 'deliver']);
  });

  it('is sent again when nothing of it left, until something did', () => {
    const { call, clock } = withRetry({ maxRetries: 3 });
    const exchange = call('POST');
    exchange.failWith('ECONNREFUSED');
    clock.advance(25);
    exchange.respondWith(503);
    clock.advance(60_000);
    assert.deepEqual(exchange.log, ['first', 'hold', SENT_AGAIN, 'deliver']);
  });

  it('is sent again with an Idempotency-Key', () => {
    const { call, clock } = withRetry();
    const exchange = call('POST');
    exchange.header = (name?: string) => (name === 'idempotency-key' ? '"8e03978e"' : undefined);
    exchange.respondWith(503);
    clock.advance(25);
    assert.deepEqual(exchange.log, ['first', 'hold', SENT_AGAIN]);
  });

  it('is sent once when its body is too long to keep', () => {
    const { call, clock } = withRetry();
    const exchange = call('POST');
    exchange.canReplay = false;
    exchange.failWith('ECONNREFUSED');
    clock.advance(60_000);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
  });
});

describe('a full outage', () => {
  const noBreaker = { policy: { circuitBreaker: undefined } };

  it('of 300 calls with two retries each puts at most 1.25 attempts a call on the wire', () => {
    const { calls, attempts } = outage(withRetry({ maxRetries: 2 }, noBreaker), 300, 10);
    assert.equal(calls, 300);
    assert.ok(attempts >= 300 * 1.2, `${attempts} attempts: the calls pay for retries`);
    assert.ok(attempts <= 300 * 1.25, `${attempts} attempts`);
  });

  it('puts no more on the wire for the app’s own three retries than that share of the calls they make', () => {
    const { calls, attempts } = outage(withRetry({ maxRetries: 2 }, noBreaker), 300, 10, 3);
    assert.equal(calls, 1_200);
    assert.ok(attempts <= 1_200 * 1.25, `${attempts} attempts`);
  });

  it('ends all attempts once the circuit is open', () => {
    const { calls, attempts } = outage(withRetry({ maxRetries: 2 }), 300, 10);
    assert.equal(calls, 300);
    assert.ok(attempts <= 30, `${attempts} attempts`);
  });
});
