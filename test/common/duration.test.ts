import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { formatDuration, parseDuration } from '../../src/common/duration.ts';

describe('durations', () => {
  for (const [text, ms] of [
    ['250ms', 250],
    ['3s', 3_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['1.1s', 1_100],
    ['0s', 0],
  ] as const) {
    it(`reads ${text} as ${ms} ms`, () => assert.equal(parseDuration(text), ms));
  }

  for (const text of ['', 's', '3', '3 s', '-3s', '3S', '3d', '1e3s', '.5s', 'NaNs', '3s ', '3s\n']) {
    it(`takes ${JSON.stringify(text)} for no duration`, () => assert.equal(parseDuration(text), undefined));
  }

  it('writes every duration so that it reads back the same', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (ms) => {
        assert.equal(parseDuration(formatDuration(ms)), ms);
      }),
    );
  });

  it('writes the shortest form', () => {
    assert.deepEqual([250, 3_000, 90_000, 3_600_000, 1_500].map(formatDuration), [
      '250ms',
      '3s',
      '90s',
      '1h',
      '1500ms',
    ]);
  });
});
