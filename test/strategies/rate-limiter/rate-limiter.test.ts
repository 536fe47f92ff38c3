import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { RateLimitedError } from '../../../src/errors.ts';
import { RATE_LIMITER_DEFAULTS, type RateLimiterOptions } from '../../../src/strategies/rate-limiter/options.ts';
import { RateLimiter } from '../../../src/strategies/rate-limiter/rate-limiter.ts';
import type { Queued } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { head } from '../../support/fake-exchange.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const WALL_CLOCK = Date.UTC(2024, 1, 29);

function limiterOf(given: Partial<RateLimiterOptions>) {
  const options = { ...RATE_LIMITER_DEFAULTS, permits: undefined, burst: 0, ...given };
  const clock = new ManualClock();
  const startMs = clock.now();
  const wallClockMs = () => WALL_CLOCK + clock.now() - startMs;
  const limiter = new RateLimiter(options, { upstream: 'search', clock, wallClockMs });
  const enter = () => limiter.acquire(callInfo(), clock.now());
  const refusal = (): RateLimitedError => {
    const admission = enter();
    assert.ok(admission.kind === 'rejection');
    assert.equal(admission.reason, 'rate_limited');
    const error = admission.toError();
    assert.ok(error instanceof RateLimitedError);
    return error;
  };
  const settled: string[] = [];
  const wait = (name: string): Queued => {
    const admission = enter();
    assert.ok(admission.kind === 'queued');
    admission.onSettled((outcome, nowMs) => {
      settled.push(`${name}: ${outcome.kind === 'permit' ? 'permit' : outcome.reason} at ${nowMs - startMs}`);
    });
    return admission;
  };
  const kinds = (count: number) => Array.from({ length: count }, () => enter().kind);
  const answered = (status: number, retryAfter: string | undefined): void => {
    limiter.onResponse(head(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }), clock.now());
  };
  return { limiter, options, clock, enter, refusal, wait, settled, kinds, answered };
}

describe('a rate limiter', () => {
  it('admits a burst, then as many as trickle in, and rejects the rest', () => {
    const { kinds, clock } = limiterOf({ permits: 10, burst: 2 });
    assert.deepEqual(kinds(3), ['permit', 'permit', 'rejection']);
    clock.advance(100);
    assert.deepEqual(kinds(2), ['permit', 'rejection']);
    clock.advance(60_000);
    assert.deepEqual(kinds(3), ['permit', 'permit', 'rejection']);
    assert.equal(clock.pending, 0);
  });

  it('says when a call would be allowed', () => {
    const { enter, refusal, clock } = limiterOf({ permits: 10, burst: 1 });
    enter();
    clock.advance(25);
    const error = refusal();
    assert.equal(error.code, 'ERR_RESILIENCE_RATE_LIMITED');
    assert.equal(error.retryAfterMs, 75);
    assert.equal(error.message, 'calls to search are limited (10 per 1000 ms, the next in 75 ms)');
  });

  it('has spent a token for good: the end of the call gives none back', () => {
    const { enter, kinds, clock } = limiterOf({ permits: 1, burst: 1 });
    const admission = enter();
    assert.ok(admission.kind === 'permit');
    admission.release('success', clock.now());
    assert.deepEqual(kinds(1), ['rejection']);
  });

  it('takes no token for a call it rejects', () => {
    const { kinds, clock } = limiterOf({ permits: 10, burst: 1 });
    kinds(50);
    clock.advance(100);
    assert.deepEqual(kinds(1), ['permit']);
  });
});

describe('a rate limiter whose calls may wait', () => {
  it('lets them go in order, each when its token is there', () => {
    const { enter, wait, settled, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    for (const name of ['a', 'b', 'c']) wait(name);
    assert.equal(clock.pendingThatHoldTheProcess, 1);
    clock.advance(299);
    assert.deepEqual(settled, ['a: permit at 100', 'b: permit at 200']);
    clock.advance(1);
    assert.deepEqual(settled.at(-1), 'c: permit at 300');
    assert.equal(clock.pending, 0);
  });

  it('rejects at once a call whose token comes too late', () => {
    const { enter, wait, refusal } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 200 });
    enter();
    wait('a');
    wait('b');
    assert.equal(refusal().retryAfterMs, 300);
  });

  it('lets the others move up when one leaves', () => {
    const { enter, wait, settled, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    wait('a');
    const left = wait('b');
    wait('c');
    left.cancel(clock.now());
    left.cancel(clock.now());
    wait('d');
    clock.advance(1_000);
    assert.deepEqual(settled, ['a: permit at 100', 'c: permit at 200', 'd: permit at 300']);
  });

  it('lets the others move up when the first leaves', () => {
    const { enter, wait, settled, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    const left = wait('a');
    wait('b');
    clock.advance(50);
    left.cancel(clock.now());
    clock.advance(1_000);
    assert.deepEqual(settled, ['b: permit at 100']);
  });

  it('keeps no timer when nobody waits any more', () => {
    const { enter, wait, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    wait('a').cancel(clock.now());
    assert.equal(clock.pending, 0);
  });

  it('lets no newcomer past those who wait, though their token has come', () => {
    const { limiter, enter, wait, settled, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    wait('a');
    // The timer is late: the token is there, and nobody has told the first.
    const late = limiter.acquire(callInfo(), clock.now() + 150);
    assert.equal(late.kind, 'queued');
    clock.advance(100);
    assert.deepEqual(settled, ['a: permit at 100']);
  });

  it('goes on with the others when one cannot take its permit', () => {
    const { enter, wait, settled, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    const broken = enter();
    assert.ok(broken.kind === 'queued');
    broken.onSettled(() => {
      throw new Error('listener');
    });
    wait('b');
    clock.advance(300);
    assert.deepEqual(settled, ['b: permit at 200']);
  });
});

describe('the Retry-After gate', () => {
  for (const status of [429, 503]) {
    it(`closes after a ${status} with Retry-After, and opens by itself`, () => {
      const { kinds, answered, clock } = limiterOf({});
      answered(status, '2');
      assert.deepEqual(kinds(1), ['rejection']);
      clock.advance(1_999);
      assert.deepEqual(kinds(1), ['rejection']);
      clock.advance(1);
      assert.deepEqual(kinds(3), ['permit', 'permit', 'permit']);
      assert.equal(clock.pending, 0);
    });
  }

  it('understands a date, by the wall clock', () => {
    const { refusal, answered, clock } = limiterOf({});
    clock.advance(1_000);
    answered(503, new Date(WALL_CLOCK + 5_000).toUTCString());
    assert.equal(refusal().retryAfterMs, 4_000);
  });

  it('names itself in the error', () => {
    const { refusal, answered, clock } = limiterOf({ permits: 10, burst: 10 });
    answered(429, '2');
    clock.advance(500);
    const error = refusal();
    assert.equal(error.retryAfterMs, 1_500);
    assert.equal(error.message, "calls to search are limited (the upstream's Retry-After has 1500 ms left)");
  });

  it('stays open for other statuses, and for what is no Retry-After', () => {
    const { kinds, answered } = limiterOf({});
    answered(200, '2');
    answered(301, '2');
    answered(500, '2');
    answered(503, undefined);
    answered(503, '-2');
    answered(429, 'soon');
    answered(429, '0');
    answered(429, new Date(WALL_CLOCK - 5_000).toUTCString());
    assert.deepEqual(kinds(1), ['permit']);
  });

  it('stays open when the policy says so', () => {
    const { kinds, answered } = limiterOf({ permits: 1, burst: 1, respectRetryAfter: false });
    answered(429, '2');
    assert.deepEqual(kinds(1), ['permit']);
  });

  it('cuts what a server asks for in error', () => {
    const { refusal, answered } = limiterOf({ maxRetryAfterMs: 30_000 });
    answered(503, '60497');
    assert.equal(refusal().retryAfterMs, 30_000);
  });

  it('is extended by a later wish, and not shortened by one', () => {
    const { refusal, answered } = limiterOf({});
    answered(503, '2');
    answered(503, '5');
    answered(429, '1');
    answered(429, '0');
    assert.equal(refusal().retryAfterMs, 5_000);
  });

  it('lets calls wait for it that may wait for so long, and no longer', () => {
    const { wait, refusal, settled, answered, clock } = limiterOf({ maxWaitMs: 1_500 });
    answered(503, '2');
    refusal();
    clock.advance(500);
    wait('a');
    wait('b');
    clock.advance(1_500);
    assert.deepEqual(settled, ['a: permit at 2000', 'b: permit at 2000']);
  });

  it('lets no more through when it opens than the bucket holds, and reckons with that', () => {
    const { wait, refusal, settled, answered, clock } = limiterOf({ permits: 10, burst: 2, maxWaitMs: 1_100 });
    answered(503, '1');
    for (const name of ['a', 'b', 'c']) wait(name);
    assert.equal(refusal().retryAfterMs, 1_200);
    clock.advance(1_100);
    assert.deepEqual(settled, ['a: permit at 1000', 'b: permit at 1000', 'c: permit at 1100']);
  });

  it('closing while calls wait, keeps those who can wait for it and rejects the others at once', () => {
    const { enter, wait, settled, answered, clock } = limiterOf({ permits: 1, burst: 1, maxWaitMs: 1_500 });
    enter();
    wait('a');
    clock.advance(800);
    wait('b'); // with a token at 2,000, and willing to wait until 2,300
    answered(503, '1');
    assert.deepEqual(settled, ['a: rate_limited at 800']);
    clock.advance(100);
    answered(503, '1');
    clock.advance(1_000);
    assert.deepEqual(settled, ['a: rate_limited at 800', 'b: permit at 1900']);
    assert.equal(clock.pending, 0);
  });
});

describe('a rate limiter under new options', () => {
  it('lets those who wait go as the new rate allows', () => {
    const { limiter, options, enter, wait, settled, clock } = limiterOf({ permits: 1, burst: 1, maxWaitMs: 5_000 });
    enter();
    wait('a');
    wait('b');
    limiter.reconfigure({ ...options, permits: 10 }, clock.now());
    clock.advance(1_000);
    assert.deepEqual(settled, ['a: permit at 100', 'b: permit at 200']);
  });

  it('tells those at once who would now have to wait for too long', () => {
    const { limiter, options, enter, wait, settled, clock } = limiterOf({ permits: 10, burst: 1, maxWaitMs: 300 });
    enter();
    wait('a');
    wait('b');
    limiter.reconfigure({ ...options, permits: 4 }, clock.now());
    assert.deepEqual(settled, ['b: rate_limited at 0']);
    clock.advance(250);
    assert.deepEqual(settled.at(-1), 'a: permit at 250');
  });

  it('lets everybody go when it has no rate any more', () => {
    const { limiter, options, enter, wait, settled, clock, kinds } = limiterOf({
      permits: 1,
      burst: 1,
      maxWaitMs: 5_000,
    });
    enter();
    wait('a');
    wait('b');
    limiter.reconfigure({ ...options, permits: undefined }, clock.now());
    assert.deepEqual(settled, ['a: permit at 0', 'b: permit at 0']);
    limiter.reconfigure({ ...options, maxWaitMs: 0 }, clock.now());
    assert.deepEqual(kinds(2), ['permit', 'rejection']);
  });

  it('opens its gate sooner, or at once', () => {
    const { limiter, options, refusal, kinds, answered, clock } = limiterOf({});
    answered(503, '20');
    limiter.reconfigure({ ...options, maxRetryAfterMs: 3_000 }, clock.now());
    assert.equal(refusal().retryAfterMs, 3_000);
    limiter.reconfigure({ ...options, respectRetryAfter: false }, clock.now());
    assert.deepEqual(kinds(1), ['permit']);
  });
});
