import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { selectionOf } from '../../../src/strategies/fallback/cache-key.ts';
import type { FallbackCacheOptions } from '../../../src/strategies/fallback/options.ts';
import { ResponseCache } from '../../../src/strategies/fallback/response-cache.ts';
import type { Substitute } from '../../../src/strategies/shared/contract.ts';
import { cacheOptions, headOf, type RequestScript, request } from './fallback-harness.ts';

type Fields = ReadonlyArray<readonly [string, string]>;

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const MAX_AGE: Fields = [['cache-control', 'max-age=60']];

let nowMs: number;
let cache: ResponseCache;

function fresh(options: Partial<FallbackCacheOptions> = {}): void {
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  cache = new ResponseCache(cacheOptions(options), () => nowMs);
}

/** Lets a response go by, in two chunks. */
function goesBy(script: RequestScript, fields: Fields = MAX_AGE, body = 'body', status = 200): void {
  const tap = cache.capture(request(script), headOf(status, fields), true);
  tap?.chunk(Buffer.from(body.slice(0, 2)));
  tap?.chunk(Buffer.from(body.slice(2)));
  tap?.end(true);
}

function bodyOf(answer: Substitute | undefined): string | undefined {
  return answer && Buffer.from(answer.body).toString();
}

function fieldsOf(answer: Substitute | undefined, name: string): string[] {
  return (answer?.headers ?? []).filter(([own]) => own === name).map(([, value]) => value);
}

const served = (script: RequestScript = {}): string | undefined => bodyOf(cache.answer(request(script)));

beforeEach(() => fresh());

describe('what the fallback cache keeps', () => {
  const cases: Array<[what: string, kept: boolean, fields: Fields, script?: RequestScript, status?: number]> = [
    ['a response with an age limit', true, MAX_AGE],
    ['a response that says nothing of caches', true, []],
    ['a response that is stale at once', true, [['cache-control', 'max-age=0']]],
    ['a permanent redirect', true, [['location', '/']], {}, 301],
    ['a temporary redirect with an age limit', true, MAX_AGE, {}, 302],
    ['a temporary redirect without one', false, [['location', '/']], {}, 302],
    ['an empty answer', true, [], {}, 204],
    ['a 404, cacheable as it is', false, MAX_AGE, {}, 404],
    ['a 410', false, MAX_AGE, {}, 410],
    ['a 501', false, MAX_AGE, {}, 501],
    ['a part of a body', false, MAX_AGE, {}, 206],
    ['a 500', false, MAX_AGE, {}, 500],
    ['no-store', false, [['cache-control', 'max-age=60, no-store']]],
    ['No-Store in any case', false, [['cache-control', 'Max-Age=60, No-Store']]],
    ['no-cache', false, [['cache-control', 'no-cache']]],
    ['pragma: no-cache', false, [['pragma', 'no-cache']]],
    ['a private response', false, [['cache-control', 'private, max-age=60']]],
    ['Private with field names', false, [['cache-control', 'Private="x-a, x-b", max-age=60']]],
    ['a response that sets a cookie', false, [...MAX_AGE, ['set-cookie', 'a=1']]],
    [
      'a public response that sets a cookie',
      false,
      [
        ['cache-control', 'public, max-age=60'],
        ['set-cookie', 'a=1'],
      ],
    ],
    ['a response that varies on everything', false, [...MAX_AGE, ['vary', 'accept, *']]],
    ['an event stream', false, [...MAX_AGE, ['content-type', 'text/event-stream; charset=utf-8']]],
    ['a request with credentials', false, MAX_AGE, { headers: { authorization: 'Bearer a' } }],
    [
      'a public answer to credentials',
      false,
      [['cache-control', 'public']],
      { headers: { authorization: 'Bearer a' } },
    ],
    ['a request with a cookie', false, MAX_AGE, { headers: { cookie: 'sid=a' } }],
    ['a request with an API key', false, MAX_AGE, { headers: { 'x-api-key': 'a' } }],
    ['a request for a part', false, MAX_AGE, { headers: { range: 'bytes=0-1' } }],
    ['a request that says no-store', false, MAX_AGE, { headers: { 'cache-control': 'no-store' } }],
    ['a POST', false, MAX_AGE, { method: 'POST' }],
    ['a HEAD', false, MAX_AGE, { method: 'HEAD' }],
    ['a body of another length than announced', false, [...MAX_AGE, ['content-length', '5']]],
  ];
  for (const [what, kept, fields, script = {}, status = 200] of cases) {
    it(`${kept ? 'keeps' : 'does not keep'} ${what}`, () => {
      goesBy(script, fields, 'body', status);
      assert.equal(cache.size, kept ? 1 : 0);
    });
  }

  it('keeps nothing of a body that died or was left', () => {
    const tap = cache.capture(request(), headOf(200, MAX_AGE), true);
    tap?.chunk(Buffer.from('half'));
    tap?.end(false);
    assert.equal(cache.size, 0);
  });

  it('keeps bytes of its own, whatever becomes of the chunks and of what it handed out', () => {
    const chunk = Buffer.from('body');
    const tap = cache.capture(request(), headOf(200, MAX_AGE), true);
    tap?.chunk(chunk);
    chunk.fill(0);
    tap?.end(true);
    cache.answer(request())?.body.fill(0);
    assert.equal(served(), 'body');
  });

  it('keeps the newer of two responses', () => {
    goesBy({}, MAX_AGE, 'older');
    goesBy({}, MAX_AGE, 'newer');
    assert.equal(served(), 'newer');
    assert.equal(cache.size, 1);
  });

  it('tells sites, ports, schemes and queries apart', () => {
    goesBy({ path: '/things?a=1' }, MAX_AGE, 'one');
    assert.equal(served({ path: '/things?a=2' }), undefined);
    assert.equal(served({ path: '/things?a=1', headers: { host: 'other.test' } }), undefined);
    assert.equal(cache.answer({ ...request({ path: '/things?a=1' }), port: 8080 }), undefined);
    assert.equal(cache.answer({ ...request({ path: '/things?a=1' }), protocol: 'https:' }), undefined);
    assert.equal(served({ path: '/things?a=1', headers: { host: 'Upstream.test' } }), 'one');
    const sameSite = request({ path: '/things?a=1', headers: { host: 'upstream.test' } });
    assert.equal(bodyOf(cache.answer(sameSite)), 'one');
    assert.equal(cache.answer({ ...sameSite, port: 8080 }), undefined);
    assert.equal(cache.answer({ ...sameSite, protocol: 'https:' }), undefined);
    assert.equal(cache.answer({ ...sameSite, host: '127.0.0.1' }), undefined);
  });
});

describe('how long the fallback cache serves', () => {
  const cases: Array<[fields: Fields, lastsMs: number]> = [
    [[['cache-control', 'max-age=60']], 60 * SECOND + HOUR],
    [[], HOUR],
    [[['last-modified', 'Mon, 01 Jan 2024 00:00:00 GMT']], HOUR],
    [
      [
        ['expires', 'Thu, 01 Jan 2026 00:02:00 GMT'],
        ['date', 'Thu, 01 Jan 2026 00:00:00 GMT'],
      ],
      120 * SECOND + HOUR,
    ],
    [[['expires', '0']], HOUR],
    [
      [
        ['cache-control', 'max-age=60'],
        ['age', '50'],
      ],
      10 * SECOND + HOUR,
    ],
    [[['cache-control', 'max-age=60, must-revalidate']], 60 * SECOND],
    [[['cache-control', 'max-age=60, Must-Revalidate']], 60 * SECOND],
    [[['cache-control', 's-maxage=60']], 60 * SECOND],
    [[['cache-control', 'max-age=60, stale-if-error=30']], 90 * SECOND],
    [[['cache-control', 'max-age=60, stale-if-error=30, stale-if-error=60']], 90 * SECOND],
    [[['cache-control', 'max-age=60, stale-if-error=no']], 60 * SECOND],
    [[['cache-control', 'max-age=60, stale-if-error=86400']], 60 * SECOND + HOUR],
  ];
  for (const [fields, lastsMs] of cases) {
    it(`serves ${JSON.stringify(fields)} for ${lastsMs / SECOND} s`, () => {
      goesBy({}, fields);
      nowMs += lastsMs - 1;
      assert.equal(served(), 'body');
      nowMs += 1;
      assert.equal(served(), undefined);
      assert.equal(cache.size, 0);
    });
  }

  it('never serves a stale response that a shared cache must validate first', () => {
    goesBy({}, [['cache-control', 'max-age=60, proxy-revalidate']]);
    nowMs += 61 * SECOND;
    assert.equal(served(), undefined);
  });

  it('serves nothing while the wall clock is set back to before the response', () => {
    goesBy({});
    nowMs -= 1;
    assert.equal(served(), undefined);
    nowMs += 1;
    assert.equal(served(), 'body');
  });

  it('follows a longer or shorter window from when it is told of it', () => {
    goesBy({});
    nowMs += 120 * SECOND;
    cache.reconfigure(cacheOptions({ staleIfErrorMs: 60 * SECOND + 1 }));
    assert.equal(served(), 'body');
    cache.reconfigure(cacheOptions({ staleIfErrorMs: 60 * SECOND }));
    assert.equal(served(), undefined);
  });

  it('does not take for a wish of the app what fetch puts beside a condition', () => {
    goesBy({}, [...MAX_AGE, ['etag', '"a"']]);
    const byFetch = { 'cache-control': 'no-cache', pragma: 'no-cache' };
    assert.equal(served({ headers: byFetch }), undefined);
    assert.notEqual(served({ headers: { ...byFetch, 'if-none-match': '"a"' } }), undefined);
    assert.equal(served({ headers: { 'cache-control': 'no-cache', 'if-none-match': '"a"' } }), undefined);
  });

  const wishes: Array<[cacheControl: string, afterMs: number, served: boolean]> = [
    ['no-cache', 0, false],
    ['no-store', 0, false],
    ['max-age=0', 1, false],
    ['max-age=30', 30 * SECOND, true],
    ['max-age=30', 31 * SECOND, false],
    ['min-fresh=40', 20 * SECOND, true],
    ['min-fresh=40', 21 * SECOND, false],
    ['max-stale=10', 70 * SECOND, true],
    ['max-stale=10', 71 * SECOND, false],
    ['max-stale', 600 * SECOND, true],
    ['only-if-cached', 0, true],
  ];
  for (const [cacheControl, afterMs, expected] of wishes) {
    it(`${expected ? 'serves' : 'does not serve'} an app that says ${cacheControl} after ${afterMs / SECOND} s`, () => {
      goesBy({});
      nowMs += afterMs;
      assert.equal(served({ headers: { 'cache-control': cacheControl } }) !== undefined, expected);
    });
  }
});

describe('what the fallback cache sends', () => {
  it('is the response as received, with its age and where it comes from, and nothing of the connection', () => {
    const gzipped = Buffer.from([0x1f, 0x8b, 0x00, 0xff]);
    const fields: Fields = [
      ['date', 'Thu, 01 Jan 2026 00:00:00 GMT'],
      ['content-type', 'application/json'],
      ['content-encoding', 'gzip'],
      ['link', '</a>'],
      ['link', '</b>'],
      ['connection', 'keep-alive, X-Hop'],
      ['keep-alive', 'timeout=5'],
      ['x-hop', '1'],
      ['transfer-encoding', 'chunked'],
      ['resilience-source', 'endpoint'],
      ['cache-status', 'cdn; hit'],
      ['age', '5'],
      ['cache-control', 'max-age=6'],
      ['cdn-cache-control', 'max-age=600'],
    ];
    const tap = cache.capture(request(), headOf(200, fields), true);
    tap?.chunk(gzipped);
    tap?.end(true);
    nowMs += 2_500;
    const answer = cache.answer(request());
    assert.equal(answer?.status, 200);
    assert.deepEqual(Buffer.from(answer.body), gzipped);
    assert.deepEqual(answer.headers, [
      ['date', 'Thu, 01 Jan 2026 00:00:00 GMT'],
      ['content-type', 'application/json'],
      ['content-encoding', 'gzip'],
      ['link', '</a>'],
      ['link', '</b>'],
      ['cache-status', 'cdn; hit'],
      ['cache-control', 'no-store'],
      ['content-length', '4'],
      ['age', '7'],
      ['cache-status', 'opentelemetry-instrumentation-resilience; hit; ttl=-2; detail=stale-if-error'],
      ['resilience-source', 'cache'],
    ]);
  });

  it('says of a fresh response that it is fresh', () => {
    goesBy({});
    const [status] = fieldsOf(cache.answer(request()), 'cache-status');
    assert.equal(status, 'opentelemetry-instrumentation-resilience; hit; ttl=60; detail=fresh');
  });

  it('may be stored by caches above for as long as it is fresh, and not at all once it is stale', () => {
    goesBy({});
    const cacheControl = (): string[] => fieldsOf(cache.answer(request()), 'cache-control');
    nowMs += 60 * SECOND - 1;
    assert.deepEqual(cacheControl(), ['max-age=60']);
    nowMs += 1;
    assert.deepEqual(cacheControl(), ['no-store']);
  });

  it('is not to be stored where the upstream has said nothing of caches', () => {
    goesBy({}, []);
    assert.deepEqual(fieldsOf(cache.answer(request()), 'cache-control'), ['no-store']);
  });

  it('leaves what a cache above knows of a response as it is when it says that nothing has changed', () => {
    goesBy({}, [...MAX_AGE, ['etag', '"v1"']]);
    nowMs += 90 * SECOND;
    const answer = cache.answer(request({ headers: { 'if-none-match': '"v1"' } }));
    assert.equal(answer?.status, 304);
    assert.deepEqual(fieldsOf(answer, 'cache-control'), ['max-age=60']);
    assert.deepEqual(fieldsOf(answer, 'age'), ['90']);
  });

  it('to HEAD is the head of what GET got', () => {
    goesBy({});
    const answer = cache.answer(request({ method: 'HEAD' }));
    assert.equal(answer?.body.byteLength, 0);
    assert.deepEqual(fieldsOf(answer, 'content-length'), ['4']);
  });

  it('has no length where there is no body', () => {
    goesBy({}, [], '', 204);
    assert.deepEqual(fieldsOf(cache.answer(request()), 'content-length'), []);
  });

  for (const script of [
    { method: 'POST' },
    { headers: { range: 'bytes=0-1' } },
    { headers: { 'if-match': '"a"' } },
    { headers: { 'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' } },
  ] as RequestScript[]) {
    it(`is nothing to ${JSON.stringify(script)}`, () => {
      goesBy({});
      assert.equal(cache.answer(request(script)), undefined);
    });
  }

  const validators: Fields = [
    ...MAX_AGE,
    ['etag', 'W/"v1"'],
    ['last-modified', 'Thu, 01 Jan 2026 00:00:00 GMT'],
    ['content-type', 'text/plain'],
  ];
  const conditions: Array<[headers: Record<string, string>, status: number]> = [
    [{ 'if-none-match': '"v1"' }, 304],
    [{ 'if-none-match': 'W/"v1"' }, 304],
    [{ 'if-none-match': '"v0", W/"v1"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"v0"' }, 200],
    [{ 'if-none-match': '"v0,v1"' }, 200],
    [{ 'if-none-match': '"v0"', 'if-modified-since': 'Fri, 02 Jan 2026 00:00:00 GMT' }, 200],
    [{ 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }, 304],
    [{ 'if-modified-since': 'Wed, 31 Dec 2025 23:59:59 GMT' }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
  ];
  for (const [headers, status] of conditions) {
    it(`to ${JSON.stringify(headers)} is ${status}`, () => {
      goesBy({}, validators);
      const answer = cache.answer(request({ headers }));
      assert.equal(answer?.status, status);
      assert.equal(bodyOf(answer), status === 304 ? '' : 'body');
      assert.equal(fieldsOf(answer, 'content-type').length, status === 304 ? 0 : 1);
      assert.equal(fieldsOf(answer, 'content-length').length, status === 304 ? 0 : 1);
      assert.deepEqual(fieldsOf(answer, 'etag'), ['W/"v1"']);
    });
  }
});

describe('a condition on what is no 200', () => {
  it('is not looked at', () => {
    goesBy(
      {},
      [
        ['etag', '"v1"'],
        ['location', '/'],
      ],
      'body',
      301,
    );
    assert.equal(cache.answer(request({ headers: { 'if-none-match': '"v1"' } }))?.status, 301);
  });
});

describe('Vary', () => {
  it('names the harmless fields a response was chosen by; all others are in the key', () => {
    const call = request({ headers: { accept: 'a', cookie: 'sid=1', 'user-agent': 'mobile' } });
    const rules = cacheOptions();
    assert.deepEqual(selectionOf(call, 'Accept, ,Cookie, User-Agent,B3,user-agent,', rules), [
      ['user-agent', 'mobile'],
      ['b3', undefined],
    ]);
    assert.deepEqual(selectionOf(call, undefined, rules), []);
    assert.equal(selectionOf(call, 'accept, *', rules), undefined);
  });

  it('keeps the variants of a harmless field apart', () => {
    const vary: Fields = [...MAX_AGE, ['vary', 'User-Agent']];
    goesBy({ headers: { 'user-agent': 'mobile' } }, vary, 'small');
    goesBy({ headers: { 'user-agent': 'desktop' } }, vary, 'large');
    assert.equal(served({ headers: { 'user-agent': 'mobile' } }), 'small');
    assert.equal(served({ headers: { 'user-agent': 'desktop' } }), 'large');
    assert.equal(served(), undefined);
  });

  it('keeps the variants apart', () => {
    const vary: Fields = [...MAX_AGE, ['vary', 'Accept-Language, accept']];
    goesBy({ headers: { 'accept-language': 'de' } }, vary, 'hallo');
    goesBy({ headers: { 'accept-language': 'en' } }, vary, 'hello');
    assert.equal(served({ headers: { 'accept-language': 'de' } }), 'hallo');
    assert.equal(served({ headers: { 'accept-language': 'en' } }), 'hello');
    assert.equal(served({ headers: { 'accept-language': 'fr' } }), undefined);
    assert.equal(served({ headers: { 'accept-language': 'en', accept: 'text/html' } }), undefined);
    assert.equal(served(), undefined);
    assert.equal(cache.size, 2);
  });

  it('bounds the variants of one URL', () => {
    const vary: Fields = [...MAX_AGE, ['vary', 'x-any']];
    for (let i = 0; i < 100; i++) goesBy({ headers: { 'x-any': String(i) } }, vary);
    assert.equal(cache.size, 32);
    assert.equal(served({ headers: { 'x-any': '99' } }), 'body');
  });
});

describe('private responses', () => {
  const alice = { headers: { authorization: 'Bearer alice' } };
  const bob = { headers: { authorization: 'Bearer bob' } };

  it('are never served to somebody else, nor to nobody in particular', () => {
    fresh({ private: true });
    goesBy(alice, [['cache-control', 'private, max-age=60']], 'for alice');
    assert.equal(served(alice), 'for alice');
    assert.equal(served(bob), undefined);
    assert.equal(served(), undefined);
    assert.equal(served({ headers: { ...alice.headers, cookie: 'sid=1' } }), undefined);
    assert.equal(served({ headers: { cookie: 'Bearer alice' } }), undefined);
  });

  it('are not kept where no request field says whose they are', () => {
    fresh({ private: true });
    goesBy({}, [['cache-control', 'private, max-age=60']]);
    goesBy({ path: '/other' }, [...MAX_AGE, ['set-cookie', 'sid=1']]);
    assert.equal(cache.size, 0);
  });

  it('may be stale where only a shared cache would have to ask first', () => {
    fresh({ private: true });
    goesBy(alice, [['cache-control', 'max-age=60, s-maxage=10, proxy-revalidate']]);
    nowMs += 60 * SECOND + HOUR - 1;
    assert.equal(served(alice), 'body');
  });

  it('are served without the cookies they set', () => {
    fresh({ private: true });
    goesBy(alice, [...MAX_AGE, ['set-cookie', 'sid=1']]);
    const answer = cache.answer(request(alice));
    assert.equal(bodyOf(answer), 'body');
    assert.deepEqual(fieldsOf(answer, 'set-cookie'), []);
  });

  it('do not mix with those to nobody in particular', () => {
    fresh({ private: true });
    goesBy({}, MAX_AGE, 'for all');
    assert.equal(served(alice), undefined);
    goesBy(alice, MAX_AGE, 'for alice');
    assert.equal(served(), 'for all');
    assert.equal(served(alice), 'for alice');
  });

  it('are not served to a caller once the option is taken back', () => {
    fresh({ private: true });
    goesBy(alice);
    cache.reconfigure(cacheOptions({ private: false }));
    assert.equal(served(alice), undefined);
  });

  it('leave a shared entry out of the reach of a caller with credentials', () => {
    goesBy({}, [['cache-control', 'public, max-age=60']]);
    assert.equal(served(alice), undefined);
    assert.equal(served({ headers: { cookie: 'sid=1' } }), undefined);
  });
});

describe('what makes the fallback cache forget', () => {
  it('is an unsafe method that succeeded, for every caller and variant', () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PURGE']) {
      fresh({ private: true });
      goesBy({}, [...MAX_AGE, ['vary', 'accept']]);
      goesBy({ headers: { accept: 'a' } }, [...MAX_AGE, ['vary', 'accept']]);
      goesBy({ headers: { cookie: 'a' } });
      goesBy({ path: '/things/2' });
      cache.capture(request({ method }), headOf(204), true);
      assert.equal(cache.size, 1, method);
      assert.equal(served({ path: '/things/2' }), 'body');
    }
  });

  it('is not a safe method, nor an unsafe one that failed', () => {
    goesBy({});
    for (const method of ['HEAD', 'OPTIONS']) cache.capture(request({ method }), headOf(200), true);
    for (const status of [400, 404, 500, 503]) cache.capture(request({ method: 'POST' }), headOf(status), true);
    assert.equal(served(), 'body');
  });

  for (const status of [401, 403, 404, 410, 451]) {
    it(`is a ${status} of the primary, not of another endpoint`, () => {
      goesBy({});
      cache.capture(request(), headOf(status), false);
      assert.equal(served(), 'body');
      cache.capture(request(), headOf(status), true);
      assert.equal(served(), undefined);
    });
  }

  it('is no outage', () => {
    goesBy({});
    for (const status of [429, 500, 502, 503, 504]) cache.capture(request(), headOf(status), true);
    assert.equal(served(), 'body');
  });
});

describe("a 304 to the app's own condition", () => {
  const kept: Fields = [...MAX_AGE, ['age', '5'], ['etag', '"v1"'], ['content-type', 'text/plain'], ['x-old', '1']];
  const condition = { headers: { 'if-none-match': '"v1"' } };

  it('makes the stored response fresh again, with the fields it brings', () => {
    goesBy({}, kept);
    nowMs += HOUR;
    const fields: Fields = [
      ['etag', '"v1"'],
      ['cache-control', 'max-age=120'],
      ['content-type', 'text/html'],
      ['set-cookie', 'sid=1'],
      ['x-new', '1'],
    ];
    assert.equal(cache.capture(request(condition), headOf(304, fields), true), undefined);
    const answer = cache.answer(request());
    assert.equal(bodyOf(answer), 'body');
    assert.equal(answer?.status, 200);
    assert.deepEqual(fieldsOf(answer, 'age'), ['0']);
    assert.deepEqual(fieldsOf(answer, 'cache-control'), ['max-age=120']);
    assert.deepEqual(fieldsOf(answer, 'content-type'), ['text/plain']);
    assert.deepEqual(fieldsOf(answer, 'set-cookie'), []);
    assert.deepEqual([fieldsOf(answer, 'x-old'), fieldsOf(answer, 'x-new')], [['1'], ['1']]);
    nowMs += 120 * SECOND + HOUR - 1;
    assert.equal(served(), 'body');
    assert.equal(cache.size, 1);
  });

  it('changes nothing when it is about another version', () => {
    goesBy({}, kept);
    nowMs += HOUR;
    cache.capture(request({ headers: { 'if-none-match': '"v2"' } }), headOf(304, [['etag', '"v2"']]), true);
    assert.deepEqual(fieldsOf(cache.answer(request()), 'age'), ['3605']);
  });

  it('is not stored itself', () => {
    goesBy(condition, [['etag', '"v1"']], '', 304);
    assert.equal(cache.size, 0);
  });

  it('ends the stored response when it forbids to store it', () => {
    goesBy({}, kept);
    const fields: Fields = [
      ['etag', '"v1"'],
      ['cache-control', 'no-store'],
    ];
    cache.capture(request(condition), headOf(304, fields), true);
    assert.equal(cache.size, 0);
  });
});

describe('the bounds of the fallback cache', () => {
  it('leave out a body that is announced too long, without looking at it', () => {
    fresh({ maxEntryBytes: 10 });
    assert.equal(cache.capture(request(), headOf(200, [...MAX_AGE, ['content-length', '11']]), true), undefined);
  });

  it('leave out a body that turns out too long, and let go of it at once', () => {
    fresh({ maxEntryBytes: 10, maxBytes: 4_000 });
    goesBy({}, MAX_AGE, 'x'.repeat(10));
    goesBy({ path: '/long' }, MAX_AGE, 'x'.repeat(11));
    assert.equal(served()?.length, 10);
    assert.equal(served({ path: '/long' }), undefined);
  });

  it('hold for all entries together, and the least recently used goes first', () => {
    fresh({ maxEntryBytes: 1_000, maxBytes: 4_000 });
    for (const path of ['/a', '/b']) goesBy({ path }, MAX_AGE, 'x'.repeat(1_000));
    assert.equal(served({ path: '/a' })?.length, 1_000);
    goesBy({ path: '/c' }, MAX_AGE, 'x'.repeat(1_000));
    assert.equal(cache.size, 2);
    assert.ok(cache.bytes <= 4_000);
    assert.equal(served({ path: '/b' }), undefined);
    assert.equal(served({ path: '/a' })?.length, 1_000);
    cache.reconfigure(cacheOptions({ maxEntryBytes: 1_000, maxBytes: 2_000 }));
    assert.equal(cache.size, 1);
    assert.equal(served({ path: '/a' })?.length, 1_000);
  });

  it('grow with the options, for a body under way too', () => {
    fresh({ maxEntryBytes: 10, maxBytes: 40 });
    cache.reconfigure(cacheOptions({ maxEntryBytes: 1_000, maxBytes: 4_000 }));
    goesBy({}, MAX_AGE, 'x'.repeat(1_000));
    assert.equal(served()?.length, 1_000);
  });

  it('hold for the bodies under way as well, and give their room back however they end', () => {
    fresh({ maxEntryBytes: 100, maxBytes: 4_000 });
    const open = (path: string) => cache.capture(request({ path }), headOf(200, MAX_AGE), true);
    for (let round = 0; round < 3; round++) {
      // A quarter of 4000 bytes: ten bodies of 100, and no more.
      const taps = Array.from({ length: 12 }, (_, i) => open(`/${round}/${i}`));
      for (const tap of taps) tap?.chunk(Buffer.alloc(100));
      const before = cache.size;
      taps[0]?.end(false);
      for (const tap of taps.slice(1)) tap?.end(true);
      const kept = taps.map((_, i) => served({ path: `/${round}/${i}` })).filter((body) => body !== undefined);
      assert.ok(cache.size >= before);
      assert.equal(served({ path: `/${round}/0` }), undefined);
      assert.equal(served({ path: `/${round}/11` }), undefined);
      assert.ok(kept.length > 0);
    }
  });
});
