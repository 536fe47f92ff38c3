import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LatencyHistogram, RecentLatency } from '../../../src/strategies/shared/latency-histogram.ts';

const duration = fc.double({ min: 0, max: 60_000, noNaN: true });
const durations = fc.array(duration, { minLength: 1, maxLength: 300, size: 'max' });
const quantile = fc.constantFrom(0, 0.5, 0.9, 0.95, 0.99, 1);

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

function exact(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

describe('a latency histogram', () => {
  it('has no quantile before the first duration', () => {
    assert.equal(new LatencyHistogram().quantile(0.5), undefined);
  });

  it('gives every quantile within a sixteenth, or a quarter of a millisecond', () => {
    fc.assert(
      fc.property(durations, quantile, (values, q) => {
        const expected = exact(values, q);
        const found = histogramOf(values).quantile(q) ?? Number.NaN;
        assert.ok(Math.abs(found - expected) <= Math.max(0.25, expected / 16 + 1e-9), `${found} for ${expected}`);
      }),
    );
  });

  it('says the same of two merged as of all their durations in one', () => {
    fc.assert(
      fc.property(durations, durations, quantile, (some, others, q) => {
        const [one, other] = [histogramOf(some), histogramOf(others)];
        const all = histogramOf([...some, ...others]);
        assert.equal(LatencyHistogram.quantileOfBoth(q, one, other), all.quantile(q));
        one.merge(other);
        assert.deepEqual([one.quantile(q), one.total], [all.quantile(q), some.length + others.length]);
      }),
    );
  });

  it('takes what is no duration, or too long for it, without growing', () => {
    const histogram = histogramOf([Number.NaN, -5, Number.POSITIVE_INFINITY, 1e9]);
    assert.equal(histogram.total, 4);
    assert.ok((histogram.quantile(0.25) ?? 1) < 0.25);
    assert.ok((histogram.quantile(1) ?? 0) > 60_000);
  });
});

describe('the recent latency', () => {
  it('remembers every duration for its window at least, and none for more than twice as long', () => {
    const step = fc.record({ waitMs: fc.integer({ min: 0, max: 150 }), durationMs: duration });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const recent = new RecentLatency(100, 0);
        const recorded: number[] = [];
        let nowMs = 0;
        for (const { waitMs, durationMs } of steps) {
          nowMs += waitMs;
          const young = recorded.filter((atMs) => nowMs - atMs < 100).length;
          const kept = recorded.filter((atMs) => nowMs - atMs < 200).length;
          const total = recent.total(nowMs);
          assert.ok(total >= young && total <= kept, `${young} <= ${total} <= ${kept}`);
          recent.record(durationMs, nowMs);
          recorded.push(nowMs);
        }
      }),
    );
  });
});
