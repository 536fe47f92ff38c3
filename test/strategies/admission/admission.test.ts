import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { AdmissionError } from '../../../src/errors.ts';
import { Admission } from '../../../src/strategies/admission/admission.ts';
import { ADMISSION_DEFAULTS } from '../../../src/strategies/admission/options.ts';
import type { Verdict } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/simulated-server.ts';

const CALL = callInfo();

function admission(random: () => number = () => 0.999_999): Admission {
  return new Admission(ADMISSION_DEFAULTS, { upstream: 'search', random, clock: new ManualClock() });
}

function run(guard: Admission, verdict: Verdict, times: number, nowMs = 0): void {
  for (let i = 0; i < times; i++) {
    const admitted = guard.acquire(CALL, nowMs);
    if (admitted.kind === 'permit') admitted.release(verdict, nowMs);
  }
}

describe('Admission', () => {
  it('refuses nothing while half of the calls are accepted', () => {
    const guard = admission(() => 0);
    for (let i = 0; i < 100; i++) {
      run(guard, 'success', 1);
      run(guard, 'failure', 1);
    }
    assert.equal(guard.probability(0), 0);
  });

  it('refuses with the probability of the book: (requests - K * accepts) / (requests + 1)', () => {
    const guard = admission();
    run(guard, 'success', 20);
    run(guard, 'failure', 80);
    assert.equal(guard.probability(0), (100 - 2 * 20) / 101);
  });

  it('lets a share through whatever happens', () => {
    const guard = admission();
    run(guard, 'failure', 10_000);
    assert.equal(guard.probability(0), 0.8);
  });

  it('counts no call that is still on its way', () => {
    const guard = admission(() => 0);
    const permits = Array.from({ length: 500 }, () => guard.acquire(CALL, 0));
    assert.ok(permits.every(({ kind }) => kind === 'permit'));
  });

  it('counts neither what the caller gave up nor what is told twice', () => {
    const guard = admission();
    run(guard, 'ignored', 50);
    assert.equal(guard.probability(0), 0);
    const permit = guard.acquire(CALL, 0);
    assert.equal(permit.kind, 'permit');
    if (permit.kind === 'permit') for (let i = 0; i < 9; i++) permit.release('failure', 0);
    assert.equal(guard.probability(0), 1 / 2);
  });

  it('forgets when the upstream was left alone for a window', () => {
    const guard = admission();
    run(guard, 'failure', 1_000);
    assert.ok(guard.isLimiting(0));
    assert.equal(guard.probability(30_001), 0);
    assert.ok(!guard.isLimiting(30_001));
  });

  it('says what was decided', () => {
    let chance = 0.99;
    const guard = admission(() => chance);
    run(guard, 'failure', 99);
    chance = 0;
    const refused = guard.acquire(CALL, 0);
    assert.equal(refused.kind, 'rejection');
    if (refused.kind !== 'rejection') return;
    const error = refused.toError();
    assert.ok(error instanceof AdmissionError);
    assert.equal(error.code, 'ERR_RESILIENCE_ADMISSION');
    assert.equal(error.message, 'call to search was not admitted (it accepts too few calls; 80 % are refused)');
    assert.equal(error.probability, 0.8);
  });

  it('lets the load through that the upstream takes, plus about as much again, and all of it once it recovers', () => {
    const random = seededRandom(5);
    const guard = new Admission(ADMISSION_DEFAULTS, { upstream: 'search', random, clock: new ManualClock() });
    // 100 calls a second; the upstream takes 30 of them, later all.
    const sentIn = (fromS: number, toS: number, capacity: number): number => {
      let sent = 0;
      for (let second = fromS; second < toS; second++) {
        let accepted = 0;
        for (let i = 0; i < 100; i++) {
          const nowMs = second * 1_000 + i * 10;
          const admitted = guard.acquire(CALL, nowMs);
          if (admitted.kind !== 'permit') continue;
          sent++;
          admitted.release(accepted++ < capacity ? 'success' : 'failure', nowMs);
        }
      }
      return sent / (toS - fromS);
    };
    sentIn(0, 60, 30);
    const overloaded = sentIn(60, 120, 30);
    assert.ok(overloaded > 50 && overloaded < 70, `${overloaded} a second`);
    sentIn(120, 180, 100);
    assert.equal(sentIn(180, 200, 100), 100);
  });

  it('agrees with a model that remembers every call', () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 4_000 }),
      verdict: fc.constantFrom<Verdict>('success', 'failure', 'ignored'),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let chance = 0;
        const guard = admission(() => chance);
        const told: Array<{ readonly slice: number; readonly accepted: boolean }> = [];
        let nowMs = 0;
        for (const { afterMs, verdict, chance: drawn } of steps) {
          nowMs += afterMs;
          chance = drawn;
          const slice = Math.floor(nowMs / 3_000);
          const live = told.filter((one) => one.slice > slice - 10);
          const accepts = live.filter(({ accepted }) => accepted).length;
          const expected = Math.min(0.8, Math.max(0, (live.length - 2 * accepts) / (live.length + 1)));
          assert.equal(guard.probability(nowMs), expected);
          const admitted = guard.acquire(CALL, nowMs);
          assert.equal(admitted.kind, expected > 0 && drawn < expected ? 'rejection' : 'permit');
          if (admitted.kind === 'rejection') told.push({ slice, accepted: false });
          else {
            admitted.release(verdict, nowMs);
            if (verdict !== 'ignored') told.push({ slice, accepted: verdict === 'success' });
          }
        }
      }),
    );
  });
});
