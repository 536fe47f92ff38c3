import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Engine } from '../../src/engine/engine.ts';
import { SILENT } from '../../src/engine/events.ts';
import type { Pipeline } from '../../src/engine/pipeline.ts';
import { UpstreamRegistry } from '../../src/engine/upstream-registry.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../src/strategies/circuit-breaker/options.ts';
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

  it('include those whose circuit is open, until its time is over', () => {
    const { call, end, known, clock } = smallEngine({
      circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 },
    });
    for (const host of ['a', 'b']) call(host).failWith('ECONNREFUSED');
    end(call('c'));
    assert.deepEqual(known().sort(), ['a', 'b']);
    clock.advance(20_000);
    end(call('c'));
    end(call('d'));
    assert.deepEqual(known().sort(), ['c', 'd']);
  });

  it('include those that a probe is under way to', () => {
    const { call, end, known, clock } = smallEngine({
      circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 },
    });
    call('a').failWith('ECONNREFUSED');
    clock.advance(20_000);
    const probe = call('a');
    for (const host of ['b', 'c']) end(call(host));
    assert.deepEqual(known().sort(), ['a', 'c']);
    end(probe);
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

/** As much of a pipeline as the registry sees, counting how often it is asked. */
class Entry {
  readonly policy = 'p';
  readonly upstream: string;
  evicted = false;
  lastUsedMs: number;
  pinned = false;
  asked = 0;

  constructor(upstream: string, lastUsedMs: number) {
    this.upstream = upstream;
    this.lastUsedMs = lastUsedMs;
  }

  holdsState(): boolean {
    this.asked++;
    return this.pinned;
  }
}

describe('a registry of upstreams', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), of: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pin' as const), of: fc.nat(60) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('unpin' as const), of: fc.nat(60) }) },
  );

  it('stays within its bounds, never drops what holds state, and drops the least recently used of those it looks at', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 300, size: 'max' }), (max, steps) => {
        const registry = new UpstreamRegistry(max);
        let nowMs = 0;
        for (const { kind, of } of steps) {
          const known = registry.get('p', `u${of}`) as unknown as Entry | undefined;
          nowMs++;
          if (kind !== 'call') {
            if (known !== undefined) known.pinned = kind === 'pin';
            continue;
          }
          if (known !== undefined) {
            known.lastUsedMs = nowMs;
            continue;
          }
          const before = [...registry.values()] as unknown as Entry[];
          for (const entry of before) entry.asked = 0;
          const added = new Entry(`u${of}`, nowMs);
          registry.add(added as unknown as Pipeline, nowMs);

          assert.ok(registry.size <= max);
          assert.equal([...registry.values()].length, registry.size);
          assert.equal(added.evicted, registry.get('p', added.upstream) === undefined);
          const dropped = before.filter((entry) => registry.get('p', entry.upstream) === undefined);
          const free = before.filter((entry) => !entry.pinned);
          const looks = before.reduce((sum, { asked }) => sum + asked, 0);
          assert.ok(looks <= 16);
          assert.ok(dropped.length <= (before.length === max ? 1 : 0));
          for (const { pinned, evicted } of dropped) assert.deepEqual([pinned, evicted], [false, true]);
          if (max > 16 || before.length < max) continue;
          const oldest = Math.min(...free.map(({ lastUsedMs }) => lastUsedMs));
          assert.deepEqual(
            dropped.map(({ lastUsedMs }) => lastUsedMs),
            free.length === 0 ? [] : [oldest],
          );
        }
      }),
    );
  });

  it('finds room again, a few calls later, however many of its upstreams must stay', () => {
    const registry = new UpstreamRegistry(1_000);
    for (let i = 0; i < 1_000; i++) {
      const entry = new Entry(`u${i}`, i);
      entry.pinned = i !== 900;
      registry.add(entry as unknown as Pipeline, i);
    }
    let tries = 0;
    for (let kept = false; !kept; tries++) {
      const entry = new Entry('new', 1_000);
      registry.add(entry as unknown as Pipeline, 1_000);
      kept = !entry.evicted;
    }
    assert.ok(tries <= 1_000 / 16 + 1);
    assert.equal(registry.get('p', 'u900'), undefined);
  });
});
