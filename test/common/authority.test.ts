import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  DEFAULT_PORTS,
  defaultPort,
  formatAuthority,
  formatHost,
  formatHostPort,
  isSameOrigin,
  normalizeHost,
  stripBrackets,
} from '../../src/common/authority.ts';

describe('a host', () => {
  it('has brackets around an IPv6 address where it is written, and nowhere else', () => {
    assert.equal(formatHost('::1'), '[::1]');
    assert.equal(formatHost('[::1]'), '[::1]');
    assert.equal(formatHost('fe80::1%eth0'), '[fe80::1%eth0]');
    assert.equal(formatHost('127.0.0.1'), '127.0.0.1');
    assert.equal(formatHost('example.com'), 'example.com');
    assert.equal(stripBrackets('[::1]'), '::1');
    assert.equal(stripBrackets('::1'), '::1');
    assert.equal(stripBrackets('[broken'), '[broken');
    assert.equal(stripBrackets('example.com'), 'example.com');
  });

  it('has one spelling', () => {
    assert.equal(normalizeHost('Example.COM.'), 'example.com');
    assert.equal(normalizeHost('[FE80::1]'), 'fe80::1');
  });
});

describe('a port', () => {
  it('is left out where it is the default of the protocol', () => {
    assert.equal(formatAuthority('http:', 'example.com', 80), 'example.com');
    assert.equal(formatAuthority('https:', '::1', 443), '[::1]');
    assert.equal(formatAuthority('https:', 'example.com', 80), 'example.com:80');
    assert.equal(formatAuthority('http:', '::1', 8080), '[::1]:8080');
    assert.equal(formatAuthority('gopher:', 'example.com', 70), 'example.com:70');
    assert.equal(formatHostPort('::1', 80), '[::1]:80');
  });

  it('has a default for the protocols of HTTP and WebSocket only', () => {
    assert.deepEqual(['http:', 'https:', 'ws:', 'wss:'].map(defaultPort), [80, 443, 80, 443]);
    assert.equal(defaultPort('ftp:'), undefined);
    assert.equal(defaultPort('toString'), undefined);
    assert.equal(DEFAULT_PORTS['https:'], 443);
  });
});

describe('an origin', () => {
  const home = { protocol: 'https:', host: 'example.com', port: 443 };
  it('is the same for every spelling of its host', () => {
    assert.equal(isSameOrigin(home, { ...home, host: 'EXAMPLE.com.' }), true);
    assert.equal(isSameOrigin({ ...home, host: '[::1]' }, { ...home, host: '::1' }), true);
  });

  it('is another with another protocol, host or port', () => {
    assert.equal(isSameOrigin(home, { ...home, protocol: 'http:' }), false);
    assert.equal(isSameOrigin(home, { ...home, host: 'www.example.com' }), false);
    assert.equal(isSameOrigin(home, { ...home, port: 8443 }), false);
  });
});
