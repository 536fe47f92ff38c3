import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  endsAtHead,
  endToEnd,
  fieldValue,
  HOP_BY_HOP,
  isBodiless,
  isFieldName,
  isFieldValue,
  isHopByHop,
} from '../../src/common/http-fields.ts';

describe('fields of a connection', () => {
  it('are told from those of a message', () => {
    for (const name of ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']) {
      assert.equal(isHopByHop(name), true, name);
    }
    for (const name of ['proxy-connection', 'proxy-authenticate', 'proxy-authorization']) {
      assert.equal(HOP_BY_HOP.has(name), true, name);
    }
    for (const name of ['content-length', 'host', 'authorization', 'cache-control', 'expect']) {
      assert.equal(isHopByHop(name), false, name);
    }
  });

  it('do not go on to another message, nor do those that Connection names', () => {
    const fields = [
      ['X-A', '1'],
      ['Connection', 'close, X-Hop'],
      ['x-hop', '2'],
      ['Keep-Alive', 'timeout=5'],
      ['Content-Length', '3'],
      ['x-a', '4'],
    ] as const;
    assert.deepEqual(endToEnd(fields), [
      ['x-a', '1'],
      ['x-a', '4'],
    ]);
  });
});

describe('names and values of fields', () => {
  it('hold no line end, no control character and, in names, no blank', () => {
    assert.equal(isFieldName('x-a_1!'), true);
    for (const name of ['', 'a b', 'a:', 'a\r\n', 'ä']) assert.equal(isFieldName(name), false, name);
    for (const value of ['', 'a b', '\tä']) assert.equal(isFieldValue(value), true, value);
    for (const value of ['a\r\nb: c', 'a\0', '\u20ac']) assert.equal(isFieldValue(value), false, value);
  });

  it('are joined where a field repeats', () => {
    const fields = [
      ['vary', 'a'],
      ['x', '1'],
      ['vary', 'b'],
    ] as const;
    assert.equal(fieldValue(fields, 'vary'), 'a, b');
    assert.equal(fieldValue(fields, 'x-none'), undefined);
  });
});

describe('a response without content', () => {
  it('is one of 1xx, 204, 205, 304, or any to HEAD', () => {
    for (const status of [100, 103, 204, 205, 304]) assert.equal(isBodiless(status), true, String(status));
    for (const status of [200, 201, 206, 301, 404, 503]) assert.equal(isBodiless(status, 'GET'), false, String(status));
    assert.equal(isBodiless(200, 'HEAD'), true);
  });

  it('ends with its head, but for 205, which states a length of 0', () => {
    for (const status of [100, 204, 304]) assert.equal(endsAtHead(status, 'GET'), true, String(status));
    assert.equal(endsAtHead(205), false);
    assert.equal(endsAtHead(200), false);
    assert.equal(endsAtHead(200, 'HEAD'), true);
  });
});
