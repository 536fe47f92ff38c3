import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { RetryBudget } from '../../../src/strategies/retry/budget.ts';
import { RETRY_DEFAULTS } from '../../../src/strategies/retry/options.ts';

function withdrawAll(budget: RetryBudget, nowMs: number): number {
  let withdrawn = 0;
  while (budget.tryWithdraw(nowMs)) withdrawn++;
  return withdrawn;
}

function deposit(budget: RetryBudget, calls: number, nowMs: number): void {
  for (let i = 0; i < calls; i++) budget.deposit(nowMs);
}

describe('a retry budget', () => {
  it('allows the floor of its window to an upstream without calls', () => {
    const budget = new RetryBudget(RETRY_DEFAULTS.budget);
    assert.equal(budget.remaining(0), 10);
    assert.equal(withdrawAll(budget, 0), 10);
    assert.equal(budget.remaining(0), 0);
  });

  it('allows its share of the calls on top', () => {
    const budget = new RetryBudget(RETRY_DEFAULTS.budget);
    deposit(budget, 100, 5_000);
    assert.equal(withdrawAll(budget, 5_000), 30);
  });

  it('is exact where fractions are not', () => {
    const budget = new RetryBudget({ ratio: 0.29, minPerSecond: 0, windowMs: 10_000 });
    deposit(budget, 100, 0);
    assert.equal(withdrawAll(budget, 0), 29);
  });

  it('pays nothing when neither calls nor time provide', () => {
    const budget = new RetryBudget({ ratio: 0, minPerSecond: 0, windowMs: 10_000 });
    deposit(budget, 100, 0);
    assert.equal(budget.tryWithdraw(0), false);
  });

  it('may pay more than one further attempt a call', () => {
    const budget = new RetryBudget({ ratio: 2, minPerSecond: 0, windowMs: 10_000 });
    deposit(budget, 3, 0);
    assert.equal(withdrawAll(budget, 0), 6);
  });

  it('forgets calls after its window at the latest, and not before 19/20 of it', () => {
    const budget = new RetryBudget({ ratio: 1, minPerSecond: 0, windowMs: 10_000 });
    deposit(budget, 4, 499);
    assert.equal(budget.remaining(9_999), 4);
    assert.equal(budget.remaining(10_000), 0);
  });

  it('forgets what was spent after its window at the earliest, and one slice later at the latest', () => {
    const budget = new RetryBudget({ ratio: 0, minPerSecond: 1, windowMs: 10_000 });
    withdrawAll(budget, 499);
    assert.equal(budget.remaining(10_499), 0);
    assert.equal(budget.remaining(10_500), 10);
  });

  it('is as new after a long pause', () => {
    const budget = new RetryBudget(RETRY_DEFAULTS.budget);
    deposit(budget, 100, 0);
    withdrawAll(budget, 0);
    assert.equal(budget.remaining(3_600_000), 10);
    deposit(budget, 100, 3_600_000);
    assert.equal(withdrawAll(budget, 3_600_000), 30);
  });

  it('keeps what it counted under other options', () => {
    const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0, windowMs: 10_000 });
    deposit(budget, 100, 0);
    for (let i = 0; i < 5; i++) budget.tryWithdraw(0);
    budget.reconfigure({ ratio: 0.1, minPerSecond: 0, windowMs: 10_000 }, 100);
    assert.equal(budget.remaining(100), 5);
    budget.reconfigure({ ratio: 0.3, minPerSecond: 0, windowMs: 60_000 }, 9_000);
    assert.equal(budget.remaining(9_000), 25);
    assert.equal(budget.remaining(60_000), 25);
    assert.equal(budget.remaining(69_000), 0);
  });
});

describe('a retry budget, under any clock', () => {
  const options = fc.record({
    ratio: fc.constantFrom(0, 0.1, 0.2, 0.5, 1, 2),
    minPerSecond: fc.constantFrom(0, 0.3, 1, 5),
    windowMs: fc.constantFrom(100, 1_000, 10_000, 12_345),
  });
  /** A pause in shares of the window, calls, and tries to spend. */
  const move = fc.tuple(fc.double({ min: 0, max: 0.7, noNaN: true }), fc.nat({ max: 15 }), fc.nat({ max: 8 }));
  const moves = fc.array(move, { maxLength: 60 });

  it('never spends more in any window than the share of the calls of that window, and the floor', () => {
    const property = fc.property(options, moves, (given, todo) => {
      const budget = new RetryBudget(given);
      const calledAt: number[] = [];
      const spentAt: number[] = [];
      let nowMs = 0;
      for (const [pause, calls, tries] of todo) {
        nowMs += pause * given.windowMs;
        for (let i = 0; i < calls; i++) calledAt.push(nowMs);
        deposit(budget, calls, nowMs);
        for (let i = 0; i < tries; i++) if (budget.tryWithdraw(nowMs)) spentAt.push(nowMs);
        const inWindow = (at: number) => at > nowMs - given.windowMs;
        const most = given.ratio * calledAt.filter(inWindow).length + (given.minPerSecond * given.windowMs) / 1_000;
        // What was spent before binds only when something is spent now: calls leave the window sooner than spending.
        if (spentAt.at(-1) === nowMs) assert.ok(spentAt.filter(inWindow).length <= most + 1e-6, `at ${nowMs}`);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('does as a plain list of slices does', () => {
    const property = fc.property(options, moves, (given, todo) => {
      const budget = new RetryBudget(given);
      const calls: number[] = [];
      const spent: number[] = [];
      let nowMs = 0;
      for (const [pause, called, tries] of todo) {
        nowMs += pause * given.windowMs;
        const slice = Math.floor((nowMs * 20) / given.windowMs);
        for (let i = 0; i < called; i++) calls.push(slice);
        deposit(budget, called, nowMs);
        for (let i = 0; i < tries; i++) {
          const counted = calls.filter((at) => at > slice - 20).length;
          const allowed = given.ratio * counted + (given.minPerSecond * given.windowMs) / 1_000;
          const left = Math.max(0, Math.floor(allowed - spent.filter((at) => at > slice - 21).length + 1e-9));
          assert.equal(budget.remaining(nowMs), left);
          assert.equal(budget.tryWithdraw(nowMs), left > 0);
          if (left > 0) spent.push(slice);
        }
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('pays at least 9/10 of the share it promises to an upstream that always wants more', () => {
    const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0, windowMs: 10_000 });
    let spent = 0;
    for (let nowMs = 0; nowMs < 600_000; nowMs += 10) {
      budget.deposit(nowMs);
      if (budget.tryWithdraw(nowMs)) spent++;
    }
    assert.ok(spent >= 0.9 * 0.2 * 60_000, `${spent}`);
    assert.ok(spent <= 0.2 * 60_000, `${spent}`);
  });
});
