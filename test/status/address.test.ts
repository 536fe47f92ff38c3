import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isLoopback, parseAddress, urlOf } from '../../src/status/address.ts';

describe('the address of the status page', () => {
  const forms: ReadonlyArray<readonly [string, string, number]> = [
    ['127.0.0.1:9990', '127.0.0.1', 9990],
    ['localhost:9990', '127.0.0.1', 9990],
    [':9990', '127.0.0.1', 9990],
    ['9990', '127.0.0.1', 9990],
    ['0', '127.0.0.1', 0],
    ['[::1]:9990', '::1', 9990],
    ['0.0.0.0:80', '0.0.0.0', 80],
    ['[::]:80', '::', 80],
  ];
  for (const [text, host, port] of forms) {
    it(`reads ${text}`, () => assert.deepEqual(parseAddress(text), { host, port }));
  }

  for (const text of [
    '',
    'on',
    'true',
    'status.example:9990',
    '::1:9990',
    '[127.0.0.1]:1',
    '1.2.3:4',
    '127.0.0.1',
    ':65536',
    '[::1]',
    'http://127.0.0.1:1',
    '1.2.3.4:-1',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), undefined));
  }

  it('knows loopback addresses in every spelling', () => {
    const loopback = ['127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'];
    const others = ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '127.0.0.1.evil.example'];
    assert.deepEqual(
      loopback.filter((host) => !isLoopback(host)),
      [],
    );
    assert.deepEqual(others.filter(isLoopback), []);
  });

  it('writes IPv6 addresses in brackets', () => {
    assert.equal(urlOf({ host: '::1', port: 80 }), 'http://[::1]:80/');
    assert.equal(urlOf({ host: '127.0.0.1', port: 80 }), 'http://127.0.0.1:80/');
  });
});
