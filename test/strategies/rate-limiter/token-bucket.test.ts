import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { TokenBucket } from '../../../src/strategies/rate-limiter/token-bucket.ts';

/** Takes a token if there is one. */
function tryTake(bucket: TokenBucket, nowMs: number): boolean {
  if (bucket.dueAtMs(1, nowMs) > nowMs) return false;
  bucket.take(nowMs);
  return true;
}

function takeAll(bucket: TokenBucket, nowMs: number): number {
  let taken = 0;
  while (taken < 1_000 && tryTake(bucket, nowMs)) taken++;
  return taken;
}

/** The textbook: a level in whole numbers, so small that no rounding is involved. */
class NaiveBucket {
  /** In tokens times interval. */
  #level: number;
  #atMs = 0;
  readonly #permits: number;
  readonly #intervalMs: number;
  readonly #burst: number;

  constructor(permits: number, intervalMs: number, burst: number) {
    this.#permits = permits;
    this.#intervalMs = intervalMs;
    this.#burst = burst;
    this.#level = burst * intervalMs;
  }

  tryTake(nowMs: number): boolean {
    this.#level = Math.min(this.#burst * this.#intervalMs, this.#level + (nowMs - this.#atMs) * this.#permits);
    this.#atMs = nowMs;
    if (this.#level < this.#intervalMs) return false;
    this.#level -= this.#intervalMs;
    return true;
  }
}

describe('a token bucket', () => {
  it('begins full, holds no more than its burst, and refills at its rate', () => {
    const bucket = new TokenBucket({ permits: 10, intervalMs: 1_000, burst: 3 }, 0);
    assert.equal(takeAll(bucket, 0), 3);
    assert.equal(takeAll(bucket, 99), 0);
    assert.equal(takeAll(bucket, 100), 1);
    assert.equal(takeAll(bucket, 250), 1);
    assert.equal(takeAll(bucket, 300), 1);
    assert.equal(takeAll(bucket, 3_600_000), 3);
  });

  it('knows when the n-th token comes, also after a time in which none is taken', () => {
    const bucket = new TokenBucket({ permits: 10, intervalMs: 1_000, burst: 2 }, 0);
    takeAll(bucket, 0);
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => bucket.dueAtMs(n, 0)),
      [100, 200, 300, 400],
    );
    assert.deepEqual(
      [1, 2, 3].map((n) => bucket.dueAtMs(n, 150)),
      [150, 200, 300],
    );
    // By then it has been full for long: what it could not hold is lost.
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => bucket.dueAtMs(n, 1_000)),
      [1_000, 1_000, 1_100, 1_200],
    );
  });

  it('gives three times a third of a second each second, for days', () => {
    const bucket = new TokenBucket({ permits: 3, intervalMs: 1_000, burst: 1 }, 0);
    let nowMs = 0;
    for (let taken = 0; taken < 1_000_000; taken++) {
      nowMs = bucket.dueAtMs(1, 0);
      bucket.take(nowMs);
    }
    assert.ok(Math.abs(nowMs - 999_999_000 / 3) < 1e-3, `the millionth came at ${nowMs}`);
  });

  it('does as an exact model does, under any clock', () => {
    const size = fc.integer({ min: 1, max: 20 });
    const moves = fc.array(fc.tuple(fc.nat({ max: 300 }), fc.integer({ min: 1, max: 5 })), { maxLength: 60 });
    // Intervals that make every time of a token a binary fraction: beside the exact model, rounding would be the bug.
    const interval = fc.constantFrom(64, 256, 1_024);
    const permits = fc.constantFrom(1, 2, 4, 8, 64);
    const property = fc.property(permits, interval, size, moves, (rate, intervalMs, burst, todo) => {
      const bucket = new TokenBucket({ permits: rate, intervalMs, burst }, 0);
      const naive = new NaiveBucket(rate, intervalMs, burst);
      let nowMs = 0;
      for (const [ms, tries] of todo) {
        nowMs += ms;
        for (let i = 0; i < tries; i++) assert.equal(tryTake(bucket, nowMs), naive.tryTake(nowMs), `at ${nowMs}`);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('never gives more than its burst and what came in since, in any span of time', () => {
    const rate = fc.record({
      permits: fc.integer({ min: 1, max: 50 }),
      intervalMs: fc.integer({ min: 1, max: 2_000 }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    const moves = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { maxLength: 40 });
    const property = fc.property(rate, moves, (options, todo) => {
      const bucket = new TokenBucket(options, 0);
      const takenAt: number[] = [];
      let nowMs = 0;
      for (const ms of todo) {
        nowMs += ms;
        for (let i = takeAll(bucket, nowMs); i > 0; i--) takenAt.push(nowMs);
      }
      for (let from = 0; from < takenAt.length; from++) {
        for (let to = from; to < takenAt.length; to++) {
          const spanMs = (takenAt[to] ?? 0) - (takenAt[from] ?? 0);
          const most = options.burst + (spanMs * options.permits) / options.intervalMs;
          assert.ok(to - from + 1 <= most + 1e-6, `${to - from + 1} in ${spanMs} ms`);
        }
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('keeps its tokens under other options, as far as they fit', () => {
    const bucket = new TokenBucket({ permits: 10, intervalMs: 1_000, burst: 10 }, 0);
    for (let i = 0; i < 6; i++) bucket.take(0);
    bucket.reconfigure({ permits: 1, intervalMs: 1_000, burst: 20 }, 50);
    // 4.5 tokens were left.
    assert.deepEqual(
      [4, 5].map((n) => bucket.dueAtMs(n, 50)),
      [50, 550],
    );
    bucket.reconfigure({ permits: 1, intervalMs: 1_000, burst: 2 }, 50);
    assert.equal(takeAll(bucket, 50), 2);
  });
});
