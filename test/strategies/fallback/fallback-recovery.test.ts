import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import type { Guard, Recovery } from '../../../src/strategies/shared/contract.ts';
import { backup, cacheOptions, degraded, fallbackHarness } from './fallback-harness.ts';

const ENDPOINTS = [backup('b1.test'), backup('b2.test')];
const UNKNOWN_USER = degraded({ id: `\${path.id}`, name: 'Unknown', email: null, status: 'degraded' });
const TRIPS_AT_ONE = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
const MAX_AGE = { 'cache-control': 'max-age=60' };

/** Refuses every call, as a full bulkhead does. */
const FULL: Guard = {
  acquire: () => ({ kind: 'rejection', reason: 'bulkhead_full', toError: () => new Error('full') as never }),
};

function sources(harness: ReturnType<typeof fallbackHarness>): string[] {
  return harness.listener.events.flatMap(({ event }) => (event.type === 'fallback_used' ? [event.source] : []));
}

describe('the fallback chain', () => {
  it('asks the endpoints in order until one answers', () => {
    const harness = fallbackHarness({
      fallback: { endpoints: ENDPOINTS, cache: cacheOptions(), response: UNKNOWN_USER },
    });
    const exchange = harness.call();
    exchange.respondWith(503);
    exchange.failWith('ECONNREFUSED');
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();

    assert.deepEqual(exchange.log, [
      'first',
      'hold',
      'send 2 users/b1.test:80',
      'hold',
      'send 3 users/b2.test:80',
      'deliver',
    ]);
    assert.deepEqual(exchange.listener?.addedResponseHeaders, [['resilience-source', 'endpoint']]);
    assert.equal(exchange.execution.result, 'fallback');
    assert.deepEqual(sources(harness), ['endpoint']);
  });

  it('falls back on the last good response when every endpoint is down', async () => {
    const harness = fallbackHarness({
      fallback: { endpoints: ENDPOINTS, cache: cacheOptions(), response: UNKNOWN_USER },
    });
    await harness.call().answer(200, { ...MAX_AGE, 'content-type': 'application/json' }, '{"name":"Ada"}');
    harness.wall.nowMs += 90_000;
    const exchange = harness.call();
    exchange.respondWith(503);
    exchange.failWith('ECONNREFUSED');
    exchange.failWith('ECONNREFUSED');

    assert.equal(exchange.log.at(-1), 'respond 200');
    assert.equal(exchange.answeredBody, '{"name":"Ada"}');
    assert.equal(exchange.answeredHeader('resilience-source'), 'cache');
    assert.equal(exchange.answeredHeader('age'), '90');
    assert.equal(
      exchange.answeredHeader('cache-status'),
      'opentelemetry-instrumentation-resilience; hit; ttl=-30; detail=stale-if-error',
    );
    assert.deepEqual(sources(harness), ['cache']);
  });

  for (const { id, raw } of [
    { id: '42', raw: '42' },
    { id: '"},{"x', raw: '%22%7D%2C%7B%22x' },
  ]) {
    it(`falls back on the degraded answer, with the id ${id} in its place, when the cache is cold`, () => {
      const harness = fallbackHarness({ fallback: { cache: cacheOptions(), response: UNKNOWN_USER } });
      const exchange = harness.call({ path: `/users/${raw}` });
      exchange.respondWith(503);
      assert.deepEqual(JSON.parse(exchange.answeredBody), { id, name: 'Unknown', email: null, status: 'degraded' });
      assert.equal(exchange.answeredHeader('resilience-source'), 'degraded');
      assert.equal(exchange.answeredHeader('content-type'), 'application/json');
      assert.deepEqual(sources(harness), ['degraded']);
    });
  }

  it('does not forget what the primary said because a backup does not know it', async () => {
    const harness = fallbackHarness({ fallback: { endpoints: [backup('b1.test')], cache: cacheOptions() } });
    await harness.call().answer(200, MAX_AGE, 'from the primary');
    const missing = harness.call();
    missing.respondWith(503);
    await missing.answer(404);
    const exchange = harness.call();
    exchange.respondWith(503);
    exchange.respondWith(503);
    assert.equal(exchange.answeredBody, 'from the primary');
  });

  it('goes the same way when the circuit is open, and leaves the primary alone', async () => {
    const harness = fallbackHarness({
      fallback: { endpoints: ENDPOINTS, cache: cacheOptions(), response: UNKNOWN_USER },
      policy: { circuitBreaker: TRIPS_AT_ONE },
    });
    const failing = harness.call();
    failing.failWith('ECONNRESET');
    await failing.answer(200, MAX_AGE, 'from b1');

    const diverted = harness.call();
    await diverted.answer(200, MAX_AGE, 'from b1');
    assert.deepEqual(diverted.log, ['send 1 users/b1.test:80', 'deliver']);

    const cached = harness.call();
    cached.failWith('ECONNREFUSED');
    cached.failWith('ECONNREFUSED');
    assert.deepEqual(cached.log, ['send 1 users/b1.test:80', 'hold', 'send 2 users/b2.test:80', 'hold', 'respond 200']);
    assert.equal(cached.answeredBody, 'from b1');

    // By now the endpoints' circuits are open too.
    const cold = harness.call({ path: '/users/7' });
    assert.deepEqual(cold.log, ['respond 200']);
    assert.equal(JSON.parse(cold.answeredBody).id, '7');
    const rejections = harness.listener.events.filter(({ event }) => event.type === 'call_rejected');
    assert.equal(rejections.length, 1 + 1 + 3, 'the primary once each, and both endpoints of the last call');
  });

  it('answers for a call that our own limits refuse, whatever its method', () => {
    const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS }, guards: [FULL] });
    const exchange = call({ method: 'POST' });
    exchange.respondWith(201);
    assert.deepEqual(exchange.log, ['send 1 users/b1.test:80', 'deliver']);
  });

  it('takes no time for other endpoints when the total time is over, but has an answer of its own', () => {
    const { call, clock } = fallbackHarness({
      fallback: { endpoints: ENDPOINTS, response: UNKNOWN_USER },
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
    });
    const exchange = call();
    clock.advance(40);
    assert.deepEqual(exchange.log, ['first', 'cancel', 'hold', 'respond 200']);
  });

  it('leaves the app the last real outcome when no link has anything', () => {
    const { call } = fallbackHarness({ fallback: { endpoints: [backup('b1.test')], cache: cacheOptions() } });
    const exchange = call();
    exchange.respondWith(503);
    exchange.respondWith(502);
    assert.deepEqual(exchange.log, ['first', 'hold', 'send 2 users/b1.test:80', 'deliver']);
    assert.equal(exchange.execution.result, 'failure');
    assert.equal(exchange.execution.errorType, '502');
  });

  for (const [what, act] of [
    ['a success', (exchange) => exchange.respondWith(200)],
    ['a 404', (exchange) => exchange.respondWith(404)],
    ['a throttling', (exchange) => exchange.respondWith(429)],
    ['an error that says nothing of the upstream', (exchange) => exchange.failWith('ERR_INVALID_ARG_TYPE')],
  ] as Array<[string, (exchange: ReturnType<ReturnType<typeof fallbackHarness>['call']>) => void]>) {
    it(`leaves ${what} alone`, () => {
      const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS, response: UNKNOWN_USER } });
      const exchange = call();
      act(exchange);
      assert.deepEqual(exchange.log, ['first', 'deliver']);
    });
  }

  for (const script of [{ method: 'CONNECT' }, { headers: { upgrade: 'websocket' } }]) {
    it(`leaves what is to become a connection alone: ${JSON.stringify(script)}`, () => {
      const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS, response: UNKNOWN_USER } });
      const exchange = call(script);
      exchange.failWith('ECONNREFUSED');
      assert.deepEqual(exchange.log, ['first', 'deliver']);
    });
  }
});

describe('fallback endpoints and requests that must not be repeated', () => {
  const cases = [
    { method: 'GET', fails: 503, goes: true },
    { method: 'HEAD', fails: 'ECONNRESET', goes: true },
    { method: 'OPTIONS', fails: 503, goes: true },
    { method: 'POST', fails: 503, goes: false },
    { method: 'POST', fails: 'ECONNRESET', goes: false },
    { method: 'POST', fails: 'ECONNREFUSED', goes: true },
    { method: 'DELETE', fails: 503, goes: false },
    { method: 'POST', fails: 503, headers: { 'idempotency-key': 'k' }, goes: true },
    { method: 'POST', fails: 503, headers: { 'idempotency-key': '' }, goes: false },
    { method: 'GET', fails: 503, canReplay: false, goes: false },
  ] as const;
  for (const { method, fails, goes, ...rest } of cases) {
    it(`${goes ? 'sends' : 'does not send'} a ${method} on after ${fails} ${JSON.stringify(rest)}`, () => {
      const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS } });
      const exchange = call({ method, headers: 'headers' in rest ? rest.headers : {} });
      if ('canReplay' in rest) exchange.canReplay = rest.canReplay;
      if (typeof fails === 'number') exchange.respondWith(fails);
      else exchange.failWith(fails);
      assert.equal(exchange.attempts.length, goes ? 1 : 0);
    });
  }

  it('stops at the first endpoint that may have got a POST', () => {
    const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS } });
    const exchange = call({ method: 'POST' });
    exchange.failWith('ECONNREFUSED');
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'hold', 'send 2 users/b1.test:80', 'deliver']);
  });

  it('knows of an attempt that left even when the outcome at hand is a refusal', () => {
    let retried = false;
    const retriesOnce: Recovery = {
      mayResend: true,
      recover(_progress, outcome) {
        if (outcome.kind !== 'response' || retried) return undefined;
        retried = true;
        return { kind: 'retry', afterMs: 10, reason: 'status' };
      },
    };
    const { call, clock } = fallbackHarness({
      fallback: { endpoints: ENDPOINTS },
      policy: { circuitBreaker: TRIPS_AT_ONE },
      before: retriesOnce,
    });
    const exchange = call({ method: 'POST' });
    exchange.respondWith(503);
    clock.advance(10);
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
  });
});

describe('fallback endpoints and the budget', () => {
  function budgetOf(tokens: number) {
    const budget = {
      left: tokens,
      tryWithdraw(): boolean {
        if (budget.left === 0) return false;
        budget.left--;
        return true;
      },
    };
    return budget;
  }

  it('each cost one withdrawal, and none is asked when nothing is left', () => {
    const budget = budgetOf(1);
    const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS, response: UNKNOWN_USER }, budget });
    const first = call();
    first.respondWith(503);
    assert.equal(budget.left, 0);
    first.respondWith(503);
    assert.deepEqual(first.log, ['first', 'hold', 'send 2 users/b1.test:80', 'hold', 'respond 200']);
    const second = call();
    second.respondWith(503);
    assert.deepEqual(second.log, ['first', 'hold', 'respond 200']);
  });

  it('are free while the call has made no attempt', () => {
    const budget = budgetOf(0);
    const { call } = fallbackHarness({ fallback: { endpoints: ENDPOINTS }, budget, guards: [FULL] });
    assert.deepEqual(call().log, ['send 1 users/b1.test:80']);
  });

  it('cost nothing where their circuit is open', () => {
    const budget = budgetOf(3);
    const { call } = fallbackHarness({
      fallback: { endpoints: ENDPOINTS },
      policy: { circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 2 } },
      budget,
    });
    for (let i = 0; i < 2; i++) {
      const tripping = call({ method: 'POST' });
      tripping.failWith('ECONNREFUSED');
      tripping.respondWith(503);
      // Keeps the primary's own circuit closed.
      const fine = call();
      fine.respondWith(200);
      fine.listener?.onBodyEnd();
    }
    assert.equal(budget.left, 1);
    const exchange = call();
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'hold', 'send 2 users/b2.test:80']);
    assert.equal(budget.left, 0);
  });
});

describe('the fallback in observe mode', () => {
  it('says once what it would have used, and changes nothing', async () => {
    let asked = 0;
    const handler = () => {
      asked++;
      return undefined;
    };
    for (const [fallback, source] of [
      [{ endpoints: ENDPOINTS, response: UNKNOWN_USER, handler }, 'endpoint'],
      [{ response: UNKNOWN_USER, handler }, 'degraded'],
      [{ handler }, 'handler'],
    ] as const) {
      const harness = fallbackHarness({ fallback, mode: 'observe' });
      const exchange = harness.call();
      exchange.respondWith(503);
      assert.deepEqual(exchange.log, ['first', 'deliver']);
      assert.deepEqual(sources(harness), [source]);
    }
    assert.equal(asked, 0);
  });

  it('counts a call that it would have diverted once, whatever the primary then does', () => {
    const harness = fallbackHarness({
      fallback: { endpoints: ENDPOINTS, response: UNKNOWN_USER, onUnhealthy: true },
      policy: { circuitBreaker: undefined },
      mode: 'observe',
    });
    for (let i = 0; i < 10; i++) harness.call().respondWith(503);
    const before = sources(harness).length;
    harness.call().respondWith(503);
    assert.equal(sources(harness).length, before + 1);
  });

  it('does not name an endpoint whose circuit would refuse', () => {
    const harness = fallbackHarness({
      fallback: { endpoints: [backup('b1.test')], response: UNKNOWN_USER },
      mode: 'observe',
    });
    harness.call().respondWith(503);
    harness.pipeline().parts.breakers[1]?.forceOpen(harness.clock.now());
    harness.call().respondWith(503);
    assert.deepEqual(sources(harness), ['endpoint', 'degraded']);
  });

  it('captures, so that it can say what the cache would have done', async () => {
    const harness = fallbackHarness({ fallback: { cache: cacheOptions() }, mode: 'observe' });
    await harness.call().answer(200, MAX_AGE, 'body');
    harness.call().respondWith(503);
    assert.deepEqual(sources(harness), ['cache']);
  });
});

describe('an unhealthy upstream', () => {
  it('is left out, and asked after all when the chain has nothing', async () => {
    const harness = fallbackHarness({
      fallback: { cache: cacheOptions(), onUnhealthy: true },
      policy: { circuitBreaker: undefined },
    });
    await harness.call({ path: '/users/1' }).answer(200, MAX_AGE, 'kept');
    for (let i = 0; i < 10; i++) harness.call({ path: '/users/2' }).respondWith(503);
    assert.deepEqual(harness.call({ path: '/users/1' }).log, ['respond 200']);
    const cold = harness.call({ path: '/users/2' });
    cold.respondWith(200);
    assert.deepEqual(cold.log, ['first', 'deliver']);
  });
});

describe('what goes wrong inside the fallback', () => {
  it('is reported, and the next link has its turn', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const harness = fallbackHarness({
      fallback: { response: degraded(cyclic), handler: () => new Response('from the handler') },
    });
    const exchange = harness.call();
    exchange.respondWith(503);
    assert.equal(harness.reported.length, 1);
    assert.match(String(harness.reported[0]), /circular/i);
    for (let i = 0; i < 20 && exchange.answeredWith === undefined; i++) await new Promise(setImmediate);
    assert.equal(exchange.answeredBody, 'from the handler');
  });

  it('in the capture leaves the response as it is', () => {
    const harness = fallbackHarness({ fallback: { cache: cacheOptions() } });
    const exchange = harness.call();
    exchange.report((listener) =>
      listener.onHead(exchange.current, {
        status: 200,
        header: () => undefined,
        entries() {
          throw new Error('no fields');
        },
      }),
    );
    exchange.listener?.onBodyEnd();
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.equal(exchange.execution.result, 'success');
    assert.deepEqual(harness.reported.map(String), ['Error: no fields']);
  });
});

describe('a call that is tied to its place', () => {
  it('goes to no endpoint of another origin, and the operator is told once', () => {
    const harness = fallbackHarness({ fallback: { endpoints: ENDPOINTS, response: UNKNOWN_USER } });
    for (let i = 0; i < 3; i++) {
      const exchange = harness.call({ pinned: true });
      exchange.respondWith(503);
      assert.deepEqual(exchange.log, ['first', 'hold', 'respond 200']);
      assert.equal(exchange.answeredHeader('resilience-source'), 'degraded');
    }
    assert.deepEqual(harness.reported.map(String), [
      'OperatorNotice: policy important, upstream users: some calls are tied to their place (by a socket path, lookup, ' +
        'servername, client certificate, or an agent with one of these), and do not go to fallback endpoints of another origin',
    ]);
    assert.deepEqual(sources(harness), ['degraded', 'degraded', 'degraded']);
  });

  it('goes to endpoints of its own origin, and so do credentials: that is home', () => {
    const home = { ...backup('UPSTREAM.test.'), basePath: '/v2' };
    const harness = fallbackHarness({ fallback: { endpoints: [backup('b1.test'), home] } });
    const exchange = harness.call({ pinned: true });
    exchange.respondWith(503);
    exchange.respondWith(200);
    assert.deepEqual(exchange.log, ['first', 'hold', 'send 2 users/UPSTREAM.test.:80', 'deliver']);
  });

  it('goes nowhere else even if the policy forwards credentials', () => {
    const trusted = { ...backup('b1.test'), forwardCredentials: true };
    const harness = fallbackHarness({ fallback: { endpoints: [trusted] } });
    const exchange = harness.call({ pinned: true });
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
  });
});

describe('a call whose head the app has not finished', () => {
  const withCache = { fallback: { cache: cacheOptions(), response: UNKNOWN_USER } };
  const settled = (): Promise<void> => new Promise(setImmediate);

  /** One good answer goes by; from then on the circuit is open. */
  async function outage(options = withCache) {
    const harness = fallbackHarness(options);
    await harness.call({ headers: { 'accept-language': 'en' } }).answer(200, MAX_AGE, 'hello');
    harness.pipeline().parts.breakers[0]?.forceOpen(0);
    return harness;
  }

  it('is judged by the headers it is sent with, not by those it began with', async () => {
    for (const [late, source] of [
      [{ 'accept-language': 'en' }, 'cache'],
      [{ 'accept-language': 'de' }, 'degraded'],
      [{}, 'degraded'],
      [{ 'accept-language': 'en', authorization: 'Bearer bob' }, 'degraded'],
      [{ 'accept-language': 'en', 'cache-control': 'no-store' }, 'degraded'],
    ] as const) {
      const harness = await outage();
      const exchange = harness.call({ unfinished: true });
      await settled();
      assert.deepEqual(exchange.log, []);
      exchange.finish(late);
      await settled();
      assert.equal(exchange.answeredHeader('resilience-source'), source, JSON.stringify(late));
      assert.equal(harness.clock.pending, 0);
    }
  });

  it('is answered without the cache if the app takes too long over it', async () => {
    const harness = await outage();
    const exchange = harness.call({ unfinished: true });
    assert.equal(harness.clock.pendingThatHoldTheProcess, 0);
    harness.clock.advance(10_000);
    await settled();
    assert.equal(exchange.answeredHeader('resilience-source'), 'degraded');
  });

  it('does not wait where no cache is asked', async () => {
    const harness = fallbackHarness({ fallback: { response: UNKNOWN_USER } });
    harness.pipeline().parts.breakers[0]?.forceOpen(0);
    const exchange = harness.call({ unfinished: true });
    assert.equal(exchange.answeredHeader('resilience-source'), 'degraded');
  });

  it('does not wait in observe mode, where nothing comes of it', () => {
    const harness = fallbackHarness({ ...withCache, mode: 'observe' });
    const exchange = harness.call({ unfinished: true });
    exchange.respondWith(503);
    assert.deepEqual(exchange.log, ['first', 'deliver']);
    assert.deepEqual(sources(harness), ['degraded']);
  });

  it('is left to its end if the app gives it up meanwhile', async () => {
    const harness = await outage();
    const exchange = harness.call({ unfinished: true });
    exchange.listener?.onAbort();
    exchange.finish();
    await settled();
    assert.deepEqual(exchange.log, []);
  });
});
