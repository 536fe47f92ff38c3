import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LatencyHistogram } from '../../src/status/latency-histogram.ts';

describe('latency percentiles', () => {
  it('are none without a call', () => {
    assert.equal(new LatencyHistogram(0).read(5), null);
  });

  it('are off by a quarter or a millisecond at most', () => {
    const durations = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, (given) => {
        const histogram = new LatencyHistogram(0);
        for (const duration of given) histogram.record(duration);
        const sorted = given.toSorted((a, b) => a - b);
        const read = histogram.read(1);
        for (const [value, share] of [
          [read?.p50Ms, 0.5],
          [read?.p95Ms, 0.95],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          assert.ok(value !== undefined);
          const near = Math.abs(value - exact) <= 1 || (value <= exact * 1.2501 && value >= exact / 1.2501);
          assert.ok(near, `${value} for ${exact}`);
        }
      }),
    );
  });

  it('forget a call after two turns of the window, and all of them after a pause', () => {
    const histogram = new LatencyHistogram(0);
    histogram.record(10);
    assert.equal(histogram.read(9_999)?.count, 1);
    assert.equal(histogram.read(10_000)?.count, 1);
    histogram.record(20);
    assert.equal(histogram.read(20_000)?.count, 1);
    histogram.record(30);
    assert.equal(histogram.read(90_000), null);
  });

  it('take durations beyond the last bucket', () => {
    const histogram = new LatencyHistogram(0);
    histogram.record(3_600_000);
    assert.equal(histogram.read(1)?.p95Ms, 60_000);
  });
});
