import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { openDurationMs } from '../../../src/strategies/circuit-breaker/open-duration.ts';

const OPEN = { durationMs: 10_000, multiplier: 2, maxDurationMs: 300_000, jitter: 0.2 };

describe('open duration', () => {
  it('grows by the multiplier with each opening in a row, up to the cap', () => {
    const durations = [1, 2, 3, 4, 5, 6, 7, 5_000].map((openings) => openDurationMs(OPEN, openings, () => 0.5));
    assert.deepEqual(durations, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
  });

  it('stays the same with a multiplier of 1', () => {
    assert.equal(
      openDurationMs({ ...OPEN, multiplier: 1 }, 9, () => 0.5),
      10_000,
    );
  });

  it('varies by the jitter in both directions, at the cap too', () => {
    assert.equal(
      openDurationMs(OPEN, 1, () => 0),
      8_000,
    );
    assert.equal(
      openDurationMs(OPEN, 2, () => 1),
      24_000,
    );
    assert.equal(
      openDurationMs(OPEN, 99, () => 0),
      240_000,
    );
  });
});
