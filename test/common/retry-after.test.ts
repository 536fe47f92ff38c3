import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseRetryAfter } from '../../src/common/retry-after.ts';

const NOW = Date.UTC(2024, 1, 28, 23, 59, 50);

describe('Retry-After', () => {
  const valid: Array<readonly [string, number]> = [
    ['0', 0],
    ['5', 5_000],
    ['007', 7_000],
    [' 120 ', 120_000],
    ['Wed, 28 Feb 2024 23:59:55 GMT', 5_000],
    ['Thu, 29 Feb 2024 00:00:00 GMT', 10_000],
    ['Wed, 28 Feb 2024 23:59:60 GMT', 10_000],
    ['Wednesday, 28-Feb-24 23:59:59 GMT', 9_000],
    ['Wed Feb 28 23:59:51 2024', 1_000],
    ['Fri Mar  1 00:00:00 2024', 86_410_000],
  ];
  for (const [value, ms] of valid) {
    it(`of ${JSON.stringify(value)} asks for ${ms} ms`, () => assert.equal(parseRetryAfter(value, NOW), ms));
  }

  it('of a date in the past asks for no wait', () => {
    assert.equal(parseRetryAfter('Wed, 28 Feb 2024 23:59:49 GMT', NOW), 0);
    assert.equal(parseRetryAfter('Sunday, 06-Nov-94 08:49:37 GMT', NOW), 0);
    assert.equal(parseRetryAfter('Sun Nov  6 08:49:37 1994', NOW), 0);
  });

  it('with a year of two digits means the year that is at most 50 years ahead', () => {
    assert.equal(parseRetryAfter('Friday, 28-Feb-75 23:59:50 GMT', NOW), 0);
    assert.equal(parseRetryAfter('Wednesday, 28-Feb-74 23:59:50 GMT', NOW), Date.UTC(2074, 1, 28, 23, 59, 50) - NOW);
  });

  const malformed = [
    '',
    '-5',
    '+5',
    '1.5',
    '5s',
    '5, 5',
    '0x10',
    '1e3',
    'soon',
    'Infinity',
    '2024-02-29T00:00:00Z',
    'Thu, 29 Feb 2024 00:00:00',
    'Thu, 29 Feb 2024 00:00:00 PST',
    'Thu, 29 Foo 2024 00:00:00 GMT',
    'Fri, 30 Feb 2024 00:00:00 GMT',
    'Thu, 00 Feb 2024 00:00:00 GMT',
    'Thu, 29 Feb 2024 24:00:00 GMT',
    'Thu, 29 Feb 2024 00:60:00 GMT',
    'Thu, 29 Feb 2024 00:00:61 GMT',
  ];
  for (const value of malformed) {
    it(`of ${JSON.stringify(value)} is ignored`, () => assert.equal(parseRetryAfter(value, NOW), undefined));
  }

  it('that is missing is ignored', () => assert.equal(parseRetryAfter(undefined, NOW), undefined));

  it('reads every date that Date itself writes', () => {
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    const property = fc.property(seconds, seconds, (now, then) => {
      const asked = parseRetryAfter(new Date(then * 1_000).toUTCString(), now * 1_000);
      assert.equal(asked, Math.max(0, then - now) * 1_000);
    });
    fc.assert(property);
  });

  it('is a wait of 0 or more, or nothing, whatever the server sends', () => {
    const property = fc.property(fc.string(), fc.nat(), (value, now) => {
      const asked = parseRetryAfter(value, now);
      assert.ok(asked === undefined || asked >= 0);
    });
    fc.assert(property);
  });
});
