import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CountWindow } from '../../../src/strategies/circuit-breaker/count-window.ts';
import { TimeWindow } from '../../../src/strategies/circuit-breaker/time-window.ts';
import type { OutcomeWindow } from '../../../src/strategies/circuit-breaker/window.ts';

interface Recorded {
  readonly failed: boolean;
  readonly slow: boolean;
  readonly atMs: number;
}

const history = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.nat(30), fc.nat(2_000), fc.constant(3_600_000)),
    failed: fc.boolean(),
    slow: fc.boolean(),
  }),
  { maxLength: 80, size: 'max' },
);

function totals(window: OutcomeWindow): number[] {
  return [window.counted, window.failures, window.slow];
}

function totalsOf(outcomes: readonly Recorded[]): number[] {
  return [outcomes.length, outcomes.filter((o) => o.failed).length, outcomes.filter((o) => o.slow).length];
}

describe('time window', () => {
  it('counts what a list of all outcomes, cut at the slices, would count', () => {
    fc.assert(
      fc.property(
        history,
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 12 }),
        (steps, ms, buckets) => {
          const window = new TimeWindow({ type: 'time', durationMs: ms, buckets }, 0);
          const sliceMs = ms / buckets;
          const all: Recorded[] = [];
          let nowMs = 0;
          for (const { afterMs, failed, slow } of steps) {
            nowMs += afterMs;
            const oldest = Math.floor(nowMs / sliceMs) - buckets + 1;
            window.advance(nowMs);
            assert.deepEqual(totals(window), totalsOf(all.filter((o) => Math.floor(o.atMs / sliceMs) >= oldest)));
            window.record(failed, slow, nowMs);
            all.push({ failed, slow, atMs: nowMs });
            assert.deepEqual(totals(window), totalsOf(all.filter((o) => Math.floor(o.atMs / sliceMs) >= oldest)));
          }
        },
      ),
    );
  });

  it('never counts what is older than its duration, and always what is younger by a slice', () => {
    const window = new TimeWindow({ type: 'time', durationMs: 1_000, buckets: 10 }, 0);
    window.record(true, false, 50);
    window.advance(949);
    assert.equal(window.counted, 1);
    window.advance(1_050);
    assert.equal(window.counted, 0);
  });

  it('is full one duration after it was cleared', () => {
    const window = new TimeWindow({ type: 'time', durationMs: 1_000, buckets: 10 }, 0);
    window.record(true, true, 5_000);
    window.clear(5_000);
    assert.deepEqual(totals(window), [0, 0, 0]);
    assert.equal(window.full(5_999), false);
    assert.equal(window.full(6_000), true);
  });

  it('drops nothing when it is read with an earlier time than before', () => {
    const window = new TimeWindow({ type: 'time', durationMs: 1_000, buckets: 10 }, 0);
    window.record(true, false, 500);
    window.record(true, false, 300);
    assert.equal(window.counted, 2);
  });
});

describe('count window', () => {
  it('counts the last outcomes of a list of all', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 20 }), (steps, size) => {
        const window = new CountWindow(size);
        const all: Recorded[] = [];
        for (const { failed, slow } of steps) {
          window.record(failed, slow);
          all.push({ failed, slow, atMs: 0 });
          assert.deepEqual(totals(window), totalsOf(all.slice(-size)));
          assert.equal(window.full(), all.length >= size);
        }
      }),
    );
  });

  it('takes its latest outcomes, in order, into a window of another size', () => {
    const sizes = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(history, history, sizes, sizes, (before, after, from, to) => {
        const old = new CountWindow(from);
        for (const { failed, slow } of before) old.record(failed, slow);
        const window = old.resized(to);
        const kept = before.slice(-from).slice(-to);
        assert.deepEqual(totals(window), totalsOf(kept.map((o) => ({ ...o, atMs: 0 }))));
        for (const [i, { failed, slow }] of after.entries()) {
          window.record(failed, slow);
          const last = [...kept, ...after.slice(0, i + 1)].slice(-to);
          assert.deepEqual(totals(window), totalsOf(last.map((o) => ({ ...o, atMs: 0 }))));
        }
      }),
    );
  });

  it('begins anew when cleared', () => {
    const window = new CountWindow(3);
    for (let i = 0; i < 5; i++) window.record(true, true);
    window.clear();
    assert.deepEqual(totals(window), [0, 0, 0]);
    window.record(false, true);
    assert.deepEqual(totals(window), [1, 0, 1]);
  });
});
