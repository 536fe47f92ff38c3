import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Engine } from '../../src/engine/engine.ts';
import { SILENT } from '../../src/engine/events.ts';
import { RATE_LIMITER_DEFAULTS } from '../../src/strategies/rate-limiter/options.ts';
import { RETRY_DEFAULTS } from '../../src/strategies/retry/options.ts';
import type { Policy } from '../../src/strategies/shared/policy.ts';
import { FakeExchange } from '../support/fake-exchange.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { everyCall } from '../support/rules.ts';

const LIMITED = { ...RATE_LIMITER_DEFAULTS, permits: 1, burst: 1, intervalMs: 10_000 };

/** An engine with room for two upstreams. */
function smallEngine(policy: Partial<Policy>) {
  const clock = new ManualClock();
  const rules = everyCall(policy, { maxUpstreams: 2 });
  const engine = new Engine({ clock, random: () => 0, listener: SILENT, rules });
  const call = (host: string): FakeExchange => {
    const pipeline = engine.route('http:', host, 80, 'GET', '/');
    if (pipeline === undefined) throw new Error('no pipeline');
    const exchange = new FakeExchange();
    exchange.start(engine.open(pipeline, exchange));
    clock.advance(1);
    return exchange;
  };
  const end = (exchange: FakeExchange): void => {
    exchange.respondWith(200);
    exchange.listener?.onBodyEnd();
  };
  const known = (): string[] => engine.snapshots().map(({ upstream }) => upstream.replace('http://', ''));
  return { clock, call, end, known };
}

describe('the upstreams that are remembered', () => {
  it('are the ones used last', () => {
    const { call, end, known } = smallEngine({});
    for (const host of ['a', 'b', 'a', 'c']) end(call(host));
    assert.deepEqual(known().sort(), ['a', 'c']);
  });

  it('include those with calls under way', () => {
    const { call, end, known } = smallEngine({});
    const running = call('a');
    for (const host of ['b', 'c']) end(call(host));
    assert.deepEqual(known().sort(), ['a', 'c']);
    end(running);
  });

  it('include those whose bucket is drained, until it is full again', () => {
    const { call, end, known, clock } = smallEngine({ rateLimiter: LIMITED });
    for (const host of ['a', 'b', 'c']) end(call(host));
    assert.deepEqual(known().sort(), ['a', 'b']);
    clock.advance(10_000);
    end(call('c'));
    assert.deepEqual(known().sort(), ['b', 'c']);
  });

  it('include those that asked for a pause, until it is over', () => {
    const { call, end, known, clock } = smallEngine({ rateLimiter: { ...LIMITED, permits: undefined } });
    const throttled = call('a');
    throttled.respondWith(429, { 'retry-after': '5' });
    throttled.listener?.onBodyEnd();
    for (const host of ['b', 'c']) end(call(host));
    assert.deepEqual(known().sort(), ['a', 'c']);
    clock.advance(5_000);
    end(call('d'));
    assert.deepEqual(known().sort(), ['c', 'd']);
  });

  it('include those that were sent retries not long ago', () => {
    const retry = { ...RETRY_DEFAULTS, maxRetries: 1 };
    const { call, end, known, clock } = smallEngine({ retry });
    const retried = call('a');
    retried.respondWith(503);
    clock.advance(1_000);
    end(retried);
    for (const host of ['b', 'c']) end(call(host));
    assert.deepEqual(known().sort(), ['a', 'c']);
    clock.advance(2 * retry.budget.windowMs);
    end(call('d'));
    assert.deepEqual(known().sort(), ['c', 'd']);
  });
});
