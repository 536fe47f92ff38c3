import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { buildStages } from '../../src/engine/build-pipeline.ts';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../src/strategies/circuit-breaker/options.ts';
import { FALLBACK_DEFAULTS } from '../../src/strategies/fallback/options.ts';
import { HEDGE_DEFAULTS, type HedgeOptions } from '../../src/strategies/hedge/options.ts';
import { RETRY_DEFAULTS } from '../../src/strategies/retry/options.ts';
import type { EndpointTarget } from '../../src/strategies/shared/contract.ts';
import type { Policy } from '../../src/strategies/shared/policy.ts';
import { engineHarness, type HarnessOptions } from '../support/engine-harness.ts';

const FIXED: HedgeOptions = { ...HEDGE_DEFAULTS, delay: { kind: 'fixed', ms: 50 } };
const NO_RETRY = { ...RETRY_DEFAULTS, maxRetries: 0 };
const BACKUP: EndpointTarget = {
  protocol: 'http:',
  host: 'backup.test',
  port: 80,
  basePath: '',
  forwardCredentials: false,
};

function hedged(policy: Partial<Policy> = {}, options: HarnessOptions = {}) {
  const harness = engineHarness({ policy: { hedge: FIXED, ...policy }, buildStages, ...options });
  const snapshot = () => harness.engine.snapshots()[0] ?? assert.fail('no upstream');
  return { ...harness, snapshot };
}

describe('A call whose head is late', () => {
  it('gets a second attempt beside the first, after the delay and not before', () => {
    const { call, clock } = hedged();
    const one = call();
    clock.advance(49);
    assert.deepEqual(one.log, ['first']);
    clock.advance(1);
    assert.deepEqual(one.log, ['first', 'hedge 2 http://upstream.test']);
    clock.advance(10_000);
    assert.equal(one.log.length, 2);
  });

  it('is answered by the hedge if that is first', () => {
    const { call, clock, snapshot, listener } = hedged();
    const one = call();
    clock.advance(50);
    one.answerOf(2, 200);
    assert.equal(one.log.at(-1), 'deliver');
    one.listener?.onBodyEnd();
    assert.deepEqual(snapshot().hedges, { won: 1 });
    assert.deepEqual(snapshot().results, { success: 1, failure: 0, rejected: 0, fallback: 0 });
    assert.equal(listener.ended.length, 1);
  });

  it('is answered by the first attempt if that is first after all', () => {
    const { call, clock, snapshot } = hedged();
    const one = call();
    clock.advance(50);
    one.answerOf(1, 404);
    assert.equal(one.log.at(-1), 'deliver');
    assert.deepEqual(snapshot().hedges, { lost: 1 });
  });

  it('goes on with the other attempt when one fails, whichever', () => {
    for (const [failing, left, hedges] of [
      [1, 2, { won: 1 }],
      [2, 1, { failed: 1 }],
    ] as const) {
      const { call, clock, snapshot } = hedged();
      const one = call();
      clock.advance(50);
      one.answerOf(failing, 503);
      assert.equal(one.log.at(-1), 'discard');
      one.answerOf(left, 200);
      assert.equal(one.log.at(-1), 'deliver');
      assert.deepEqual(snapshot().hedges, hedges);
    }
  });

  it('is retried only when all attempts in flight have failed', () => {
    const { call, clock } = hedged({ retry: { ...RETRY_DEFAULTS, backoff: { baseMs: 10, maxMs: 10 } } });
    const one = call();
    clock.advance(50);
    one.failureOf(1, 'ECONNRESET');
    one.failureOf(2, 'ECONNRESET');
    clock.advance(10);
    assert.deepEqual(one.log, [
      'first',
      'hedge 2 http://upstream.test',
      'discard',
      'hold',
      'send 3 http://upstream.test',
    ]);
    // One hedge a call: the retry has none.
    clock.advance(1_000);
    assert.equal(one.log.length, 5);
  });

  it('is not hedged once it has failed: that is a matter of retry', () => {
    const { call, clock } = hedged();
    const one = call();
    one.failureOf(1, 'ECONNRESET');
    clock.advance(1_000);
    assert.deepEqual(one.log, ['first', 'deliver']);
  });

  it('is not hedged for a method that is not on the list, nor when it could not be sent again', () => {
    const { call, clock } = hedged();
    const post = call('POST');
    clock.advance(1_000);
    assert.deepEqual(post.log, ['first']);
    const streaming = call();
    streaming.canReplay = false;
    clock.advance(1_000);
    assert.deepEqual(streaming.log, ['first']);
  });

  it('gets as many as it may have, each after its delay, and the first good head of all wins', () => {
    const { call, clock, snapshot } = hedged({ hedge: { ...FIXED, maxHedges: 2 } });
    const one = call();
    clock.advance(50);
    clock.advance(50);
    clock.advance(500);
    assert.deepEqual(one.log, ['first', 'hedge 2 http://upstream.test', 'hedge 3 http://upstream.test']);
    one.failureOf(3, 'ECONNRESET');
    one.answerOf(1, 200);
    assert.deepEqual(snapshot().hedges, { failed: 1, lost: 1 });
  });
});

describe('A hedge', () => {
  it('is paid for out of the budget, and an empty one pays for none', () => {
    const none = { ...NO_RETRY, budget: { ratio: 0, minPerSecond: 0, windowMs: 10_000 } };
    const { call, clock } = hedged({ retry: none });
    const one = call();
    clock.advance(1_000);
    assert.deepEqual(one.log, ['first']);
    const ten = { ...NO_RETRY, budget: { ratio: 0, minPerSecond: 1, windowMs: 10_000 } };
    const some = hedged({ retry: ten });
    const calls = Array.from({ length: 15 }, () => some.call());
    some.clock.advance(50);
    assert.equal(calls.filter(({ log }) => log.length === 2).length, 10);
  });

  it('is not sent to a circuit that is not closed', () => {
    const open = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
    const { call, clock, snapshot } = hedged({ circuitBreaker: open });
    const late = call();
    call().failureOf(1, 'ECONNREFUSED');
    assert.equal(snapshot().circuits[0]?.state, 'open');
    clock.advance(1_000);
    assert.deepEqual(late.log, ['first']);
  });

  it('goes to the first fallback endpoint that is fit, if it may, and its answer says so', () => {
    const fallback = { ...FALLBACK_DEFAULTS, endpoints: [BACKUP] };
    const { call, clock } = hedged({ hedge: { ...FIXED, endpoints: true }, fallback });
    const one = call();
    clock.advance(50);
    assert.deepEqual(one.log, ['first', 'hedge 2 http://upstream.test/backup.test:80']);
    one.answerOf(2, 200);
    assert.deepEqual(one.listener?.addedResponseHeaders, [['resilience-source', 'endpoint']]);
  });

  it('says nothing of the upstream when it loses: its slot in the circuit is free, and no verdict is counted', () => {
    const { call, clock, snapshot } = hedged();
    const one = call();
    clock.advance(50);
    one.answerOf(2, 200);
    one.listener?.onBodyEnd();
    assert.equal(snapshot().circuits[0]?.counted, 1);
  });

  it('is only told of in observe mode', () => {
    const { call, clock, listener } = hedged({}, { mode: 'observe' });
    const one = call();
    clock.advance(1_000);
    assert.deepEqual(one.log, ['first']);
    const event = listener.events.map((told) => told.event).find(({ type }) => type === 'hedge_sent');
    assert.deepEqual(event, { type: 'hedge_sent', endpoint: 'http://upstream.test', delayMs: 50, hedge: 1 });
  });

  it('has its own attempt timeout, and shares the total one', () => {
    const timeout = { attemptMs: 80, totalMs: 1_000, idleMs: undefined };
    const { call, clock } = hedged({ timeout });
    const one = call();
    clock.advance(50);
    clock.advance(30);
    assert.deepEqual(one.log.slice(2), ['cancel', 'discard']);
    clock.advance(50);
    assert.deepEqual(one.log.slice(4), ['cancel', 'deliver']);
    const total = hedged({ timeout: { attemptMs: undefined, totalMs: 100, idleMs: undefined } });
    const other = total.call();
    total.clock.advance(50);
    total.clock.advance(50);
    assert.deepEqual(other.log.slice(2), ['cancel', 'discard', 'cancel', 'deliver']);
  });
});

describe('The delay of a hedge', () => {
  it('is a second until a hundred heads are known, then the quantile of them', () => {
    const { call, clock } = hedged({ hedge: HEDGE_DEFAULTS });
    const early = call();
    clock.advance(999);
    assert.deepEqual(early.log, ['first']);
    early.answerOf(1, 200);
    for (let i = 0; i < 100; i++) {
      const one = call();
      clock.advance(i < 90 ? 10 : 40);
      one.answerOf(1, 200);
      one.listener?.onBodyEnd();
    }
    const late = call();
    clock.advance(30);
    assert.deepEqual(late.log, ['first']);
    clock.advance(20);
    assert.equal(late.log.length, 2);
  });
});

describe('However the attempts of a hedged call end', () => {
  type Step =
    | { readonly what: 'wait'; readonly ms: number }
    | { readonly what: 'answer' | 'fail'; readonly attempt: number; readonly good: boolean }
    | { readonly what: 'abort' };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 80 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        what: fc.constantFrom('answer' as const, 'fail' as const),
        attempt: fc.integer({ min: 1, max: 6 }),
        good: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ what: 'abort' as const }) },
  );

  it('it settles once, and no permit, timer or rival is left', () => {
    const policy = {
      hedge: { ...FIXED, maxHedges: 2 },
      retry: { ...RETRY_DEFAULTS, backoff: { baseMs: 5, maxMs: 5 } },
      timeout: { attemptMs: 150, totalMs: 400, idleMs: undefined },
      bulkhead: { maxConcurrent: 5, maxQueue: 0, queueTimeoutMs: 0, adaptive: undefined },
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const { call, clock, listener, snapshot, faults } = hedged(policy);
        const one = call();
        const over = new Set<number>();
        let settled = false;
        const end = (): void => {
          settled = true;
          one.listener?.onBodyEnd();
        };
        const report = (attempt: number, act: () => void): void => {
          if (settled || over.has(attempt) || one.attempts.length + 1 < attempt) return;
          over.add(attempt);
          act();
          if (one.log.at(-1) === 'deliver') end();
        };
        const { cancel } = one;
        one.cancel = (attempt, error) => {
          over.add(attempt.number);
          cancel.call(one, attempt, error);
          if (one.log.at(-1) === 'deliver') end();
        };
        for (const { what, ...rest } of steps as Array<Step & { attempt?: number; good?: boolean; ms?: number }>) {
          const { attempt = 1, good = false, ms = 1 } = rest;
          if (what === 'wait') clock.advance(ms);
          else if (what === 'abort' && !settled) {
            settled = true;
            one.listener?.onAbort();
          } else if (what === 'answer') report(attempt, () => one.answerOf(attempt, good ? 200 : 503));
          else if (what === 'fail') report(attempt, () => one.failureOf(attempt, 'ECONNRESET'));
        }
        // The limits end whatever has not ended.
        clock.advance(1_000);
        if (!settled) one.listener?.onAbort();
        assert.deepEqual(faults, []);
        assert.equal(listener.ended.length, 1);
        assert.equal(one.execution.rivals, undefined);
        assert.equal(clock.pending, 0);
        assert.deepEqual(snapshot().bulkhead?.executing, 0);
        const { won = 0, lost = 0, failed = 0 } = snapshot().hedges;
        assert.equal(won + lost + failed, one.log.filter((entry) => entry.startsWith('hedge')).length);
      }),
      { numRuns: 500 },
    );
  });
});
