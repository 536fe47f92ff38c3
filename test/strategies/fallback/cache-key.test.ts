import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { namesCaller } from '../../../src/common/caller-identity.ts';
import { ANYONE, keyOf } from '../../../src/strategies/fallback/cache-key.ts';
import { isHarmless } from '../../../src/strategies/fallback/harmless-headers.ts';
import type { FallbackCacheOptions } from '../../../src/strategies/fallback/options.ts';
import { ResponseCache } from '../../../src/strategies/fallback/response-cache.ts';
import type { CallInfo } from '../../../src/strategies/shared/contract.ts';
import { cacheOptions, headOf, request } from './fallback-harness.ts';

type Headers = Readonly<Record<string, string>>;

const call = (headers: Headers, more: Partial<CallInfo> = {}): CallInfo => ({ ...request({ headers }), ...more });

/** Whether the answer to one request would be given to the other. */
function shares(one: CallInfo, other: CallInfo, options: Partial<FallbackCacheOptions> = {}): boolean {
  const cache = new ResponseCache(cacheOptions({ private: true, ...options }), () => 0);
  const tap = cache.capture(one, headOf(200, [['cache-control', 'max-age=60']]), true);
  tap?.chunk(Buffer.from('of the one'));
  tap?.end(true);
  return cache.answer(other) !== undefined;
}

/** Names that nobody has listed, and well-known ones. */
const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  fc.constantFrom('accept', 'accept-language', 'authorization', 'cookie', 'x-api-key', 'x-user', 'x-anything', 'via'),
);
// Of the cache's own, `only-if-cached` apart: what an app wants of caches, and conditions, may forbid an answer.
const headers = fc.dictionary(
  name.filter((it) => !/^(?:cache-control|pragma|if-|range)/.test(it)),
  fc.string({ maxLength: 8 }),
  { maxKeys: 5 },
);

describe('the key of the fallback cache', () => {
  it('keeps two requests apart that differ in any header but a harmless one', () => {
    const property = fc.property(headers, headers, (one, other) => {
      const names = new Set([...Object.keys(one), ...Object.keys(other)]);
      const differ = [...names].some((it) => one[it] !== other[it] && (!isHarmless(it) || namesCaller(it)));
      assert.equal(shares(call(one), call(other)), !differ);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  it('keeps two requests apart of which one has one header more, or another value', () => {
    const property = fc.property(headers, name, fc.string({ maxLength: 8 }), (common, extra, value) => {
      fc.pre(!isHarmless(extra) && !/^(?:if-|range)/.test(extra) && common[extra] !== value);
      assert.equal(shares(call(common), call({ ...common, [extra]: value })), false);
      assert.equal(shares(call({ ...common, [extra]: value }), call(common)), false);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it('is the same for traces, ids of one request and what is about the client or the connection', () => {
    const volatile = {
      traceparent: '00-1-1-01',
      tracestate: 'a=b',
      baggage: 'a=b',
      b3: '1',
      'x-b3-traceid': '1',
      'uber-trace-id': '1',
      'x-datadog-trace-id': '1',
      'sentry-trace': '1',
      newrelic: '1',
      'x-amzn-trace-id': '1',
      'x-request-id': '1',
      'x-correlation-id': '1',
      'user-agent': 'a',
      connection: 'close',
      'keep-alive': 'timeout=5',
      'content-length': '0',
    };
    assert.equal(shares(call({ accept: 'a', ...volatile }), call({ accept: 'a' })), true);
    assert.equal(shares(call({ accept: 'a' }), call({ ...volatile, accept: 'a' })), true);
  });

  it('makes no difference of the order of fields, nor of how repeated ones are written', () => {
    const repeated = (fields: ReadonlyArray<readonly [string, string]>): CallInfo => ({
      ...request(),
      headers: () => fields,
    });
    const one = repeated([
      ['accept', 'a'],
      ['x-list', '1'],
      ['x-list', '2'],
    ]);
    const other = repeated([
      ['x-list', '1, 2'],
      ['accept', 'a'],
    ]);
    assert.equal(shares(one, other), true);
  });

  it('takes no boundary of a name or value for another', () => {
    assert.equal(shares(call({ a: 'x\n1 b 1 y' }), call({ a: 'x', b: 'y' })), false);
    assert.equal(shares(call({ a: '\ud800' }), call({ a: '\ud801' })), false);
  });

  it('holds a client certificate, userinfo and auth', () => {
    const alice = { credentials: () => 'certificate of alice' };
    assert.equal(shares(call({}, alice), call({}, alice)), true);
    assert.equal(shares(call({}, alice), call({}, { credentials: () => 'certificate of bob' })), false);
    assert.equal(shares(call({}, alice), call({})), false);
    assert.equal(shares(call({}), call({}, alice)), false);
  });

  it('keeps a call that is tied to a place apart from one that is not', () => {
    assert.equal(shares(call({}, { pinned: () => true }), call({})), false);
    assert.equal(shares(call({}), call({}, { pinned: () => true })), false);
  });

  it('shows no credential', () => {
    const key = keyOf(call({ authorization: 'Bearer s3cret', 'x-odd': 's3cret' }, { credentials: () => 's3cret' }), {
      ...cacheOptions(),
    });
    assert.ok(!JSON.stringify(key).includes('s3cret'));
    assert.notEqual(key.caller, ANYONE);
  });

  it('holds what the configuration calls a credential, even if it is harmless elsewhere, and leaves out what it ignores', () => {
    const credentialHeaders = new Set(['x-request-id']);
    assert.equal(shares(call({ 'x-request-id': '1' }), call({ 'x-request-id': '2' }), { credentialHeaders }), false);
    const ignoredHeaders = new Set(['x-acme-trace', 'authorization']);
    assert.equal(shares(call({ 'x-acme-trace': '1' }), call({ 'x-acme-trace': '2' }), { ignoredHeaders }), true);
    // Not even the operator can have callers mixed up.
    assert.equal(shares(call({ authorization: '1' }), call({ authorization: '2' }), { ignoredHeaders }), false);
  });
});

describe('without private, the fallback cache', () => {
  it('has no part in a request with a credential of any kind', () => {
    const plain = { private: false };
    assert.equal(shares(call({}), call({}), plain), true);
    for (const header of ['x-functions-key', 'x-amzn-oidc-data', 'x-forwarded-email', 'x-remote-user']) {
      assert.equal(shares(call({ [header]: 'a' }), call({ [header]: 'a' }), plain), false, header);
    }
    const certified = call({}, { credentials: () => 'certificate' });
    assert.equal(shares(certified, certified, plain), false);
    const added = { ...plain, credentialHeaders: new Set(['x-acme-who']) };
    assert.equal(shares(call({ 'x-acme-who': 'a' }), call({ 'x-acme-who': 'a' }), added), false);
  });
});

describe('a request with content', () => {
  it('is neither answered from the fallback cache nor stored there', () => {
    const search = call({}, { hasContent: () => true });
    assert.equal(shares(search, search), false);
    assert.equal(shares(call({}), search), false);
    assert.equal(shares(search, call({})), false);
  });
});
