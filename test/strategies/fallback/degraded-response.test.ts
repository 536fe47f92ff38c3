import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { DegradedResponse, placeholdersOf } from '../../../src/strategies/fallback/degraded-response.ts';
import type { FallbackResponseOptions } from '../../../src/strategies/fallback/options.ts';
import type { CallProgress, Substitute } from '../../../src/strategies/shared/contract.ts';
import { type RequestScript, request } from './fallback-harness.ts';

const ID = `\${path.id}`;
const Q = `\${query.q}`;

function options(given: Partial<FallbackResponseOptions>): FallbackResponseOptions {
  return { status: 200, headers: {}, body: undefined, json: undefined, ...given };
}

/** As much of a call's progress as a degraded answer looks at. */
function progress(groups: Record<string, string>, script: RequestScript = {}): CallProgress {
  return { call: request(script), patternGroups: () => groups } as unknown as CallProgress;
}

function answer(
  given: Partial<FallbackResponseOptions>,
  groups: Record<string, string> = {},
  script: RequestScript = {},
): Substitute {
  return new DegradedResponse(options(given)).answer(progress(groups, script));
}

function text({ body }: Substitute): string {
  return Buffer.from(body).toString();
}

function field({ headers }: Substitute, name: string): string | undefined {
  return headers.find(([own]) => own === name)?.[1];
}

/** What a JSON value is made of, whatever its strings hold. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.entries(value).map(([key, item]) => [key, shape(item)]);
}

/** Values that a careless template would let out of their place. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '"},{"x',
    '\\',
    '\\"',
    '"',
    `\${path.id}`,
    '</script>',
    '\r\n',
    '\u2028',
    '\ud800',
    '__proto__',
    '1,2',
    '%22',
  ),
);

describe('a degraded JSON answer', () => {
  it('has the values of the call in it, its length, its type and its mark', () => {
    const json = { id: ID, q: `<${Q}>`, n: 1, none: null, list: [ID, true] };
    const given = answer({ json }, { id: '42' }, { path: '/users/42?q=a%20b' });
    assert.equal(text(given), '{"id":"42","q":"<a b>","n":1,"none":null,"list":["42",true]}');
    assert.deepEqual(given.headers, [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
      ['content-length', String(given.body.byteLength)],
      ['resilience-source', 'degraded'],
    ]);
  });

  it('has the same shape whatever the values hold', () => {
    const json = { id: ID, nested: { both: `${ID}-${Q}`, list: [Q, 1, null, false] } };
    const response = new DegradedResponse(options({ json }));
    const usual = shape(JSON.parse(text(response.answer(progress({ id: '1' })))));
    fc.assert(
      fc.property(hostile, hostile, (id, q) => {
        const path = `/users/x?q=${encodeURIComponent(q.replace(/\p{Surrogate}/gu, '?'))}`;
        const filled = JSON.parse(text(response.answer(progress({ id }, { path }))));
        assert.deepEqual(shape(filled), usual);
        if (!/\p{Surrogate}/u.test(id)) assert.equal(filled.id, id);
      }),
    );
  });

  it('has an empty string for a value the call lacks, of the own properties of the groups only', () => {
    const given = answer({ json: { id: `\${path.toString}`, proto: `\${path.__proto__}`, q: Q } });
    assert.deepEqual(JSON.parse(text(given)), { id: '', proto: '', q: '' });
  });

  it('leaves keys, and what is no placeholder, as they are', () => {
    const json = { [ID]: `\${user.id} \${path.} \${} $\{path.id` };
    assert.deepEqual(JSON.parse(text(answer({ json }, { id: '42' }))), json);
  });

  it('does not fill a value in a second time', () => {
    assert.equal(text(answer({ json: { id: ID } }, { id: Q }, { path: '/?q=secret' })), JSON.stringify({ id: Q }));
  });

  it('is what JSON makes of the configured value', () => {
    const json = { at: new Date(0), left: undefined, __proto__x: 1 };
    assert.equal(text(answer({ json })), '{"at":"1970-01-01T00:00:00.000Z","__proto__x":1}');
    const proto = JSON.parse('{"__proto__": {"id": "x"}}');
    assert.equal(text(answer({ json: proto })), '{"__proto__":{"id":"x"}}');
    assert.equal(text(answer({ json: null })), 'null');
  });

  it('takes its type from the headers where they name one', () => {
    const given = answer({ json: {}, headers: { 'Content-Type': 'application/problem+json' } });
    assert.deepEqual(
      given.headers.filter(([name]) => name === 'content-type'),
      [['content-type', 'application/problem+json']],
    );
  });
});

describe('a degraded text answer', () => {
  const cases: Array<[type: string | undefined, body: string, id: string, expected: string]> = [
    [undefined, `id=${ID}`, '<"&>', 'id=<"&>'],
    ['text/html; charset=utf-8', `<p title='${ID}'>`, `<"&'>`, "<p title='&lt;&quot;&amp;&#39;&gt;'>"],
    ['image/svg+xml', `<t>${ID}</t>`, '</t>', '<t>&lt;/t&gt;</t>'],
    ['application/x-www-form-urlencoded', `id=${ID}&a=1`, 'x&a=2', 'id=x%26a%3D2&a=1'],
    ['application/json', `{"id":"${ID}","n":"\\"${ID}"}`, '"},{"x', String.raw`{"id":"\"},{\"x","n":"\"\"},{\"x"}`],
    ['application/json', `{"id":${ID}}`, '1,"admin":true', String.raw`{"id":"1,\"admin\":true"}`],
    ['application/vnd.api+json', `{"id":"${ID}"}`, '\n', String.raw`{"id":"\n"}`],
  ];
  for (const [type, body, id, expected] of cases) {
    it(`escapes values as ${type ?? 'text/plain'} needs it: ${expected}`, () => {
      const given = answer({ body, headers: type === undefined ? {} : { 'content-type': type } }, { id });
      assert.equal(text(given), expected);
      assert.equal(field(given, 'content-type'), type ?? 'text/plain; charset=utf-8');
    });
  }

  it('as JSON always parses, whatever the values hold and wherever they stand', () => {
    const body = `{"a": "${ID}", "b": ${ID}, "c": ["x\\"${Q}", ${Q}]}`;
    const response = new DegradedResponse(options({ body, headers: { 'content-type': 'application/json' } }));
    fc.assert(
      fc.property(hostile, (value) => {
        const path = `/?q=${encodeURIComponent(value.replace(/\p{Surrogate}/gu, '?'))}`;
        const filled = JSON.parse(text(response.answer(progress({ id: value }, { path }))));
        assert.deepEqual(Object.keys(filled), ['a', 'b', 'c']);
        assert.deepEqual([filled.a, filled.c.length], [filled.b, 2]);
      }),
    );
  });
});

describe('a value of the query', () => {
  const cases: Array<[path: string, expected: string]> = [
    ['/?q=a', 'a'],
    ['/?p=1&q=a+b%2Bc', 'a b+c'],
    ['/?q=%C3%A4', 'ä'],
    ['/?q=%25C3', '%C3'],
    ['/?q=%zz%C3', '%zz%C3'],
    ['/?q=%41%FF', '%41%FF'],
    ['/?q=a%20%zz', 'a %zz'],
    ['/?q=first&q=second', 'first'],
    ['/?%71=a', 'a'],
    ['/?q', ''],
    ['/?q==', '='],
    ['/#?q=a', ''],
    ['/', ''],
  ];
  for (const [path, expected] of cases) {
    it(`of ${path} is ${JSON.stringify(expected)}`, () => {
      assert.equal(text(answer({ body: Q }, {}, { path })), expected);
    });
  }
});

describe('the head of a degraded answer', () => {
  it('holds no line end and no character a field may not have, whatever the values hold', () => {
    const response = new DegradedResponse(options({ headers: { location: `/new/${ID}?q=${Q}`, 'x-id': ID } }));
    fc.assert(
      fc.property(hostile, (id) => {
        const { headers } = response.answer(progress({ id }));
        for (const [, value] of headers) assert.match(value, /^[\t\x20-\x7e\x80-\xff]*$/);
        assert.equal(headers.filter(([name]) => name === 'x-id').length, 1);
      }),
    );
    assert.equal(field(response.answer(progress({ id: 'a\r\nb: ä' })), 'x-id'), 'a%0D%0Ab: %C3%A4');
  });

  it('leaves out what would break the message, or deny where it comes from', () => {
    const headers = {
      'Transfer-Encoding': 'chunked',
      'Content-Length': '7',
      connection: 'close',
      'bad name': '1',
      'x-bad': 'a\nb',
      'resilience-source': 'primary',
      'X-Good': '1',
      'Cache-Control': 'max-age=5',
    };
    assert.deepEqual(answer({ headers, body: 'ab' }).headers, [
      ['x-good', '1'],
      ['cache-control', 'max-age=5'],
      ['content-type', 'text/plain; charset=utf-8'],
      ['content-length', '2'],
      ['resilience-source', 'degraded'],
    ]);
  });

  it('tells HEAD how long the body would be', () => {
    const given = answer({ body: 'abc' }, {}, { method: 'HEAD' });
    assert.equal(given.body.byteLength, 0);
    assert.equal(field(given, 'content-length'), '3');
  });

  for (const [status, length] of [
    [204, undefined],
    [304, undefined],
    [205, '0'],
  ] as const) {
    it(`has no body with ${status}`, () => {
      const given = answer({ status, body: 'abc' });
      assert.equal(given.body.byteLength, 0);
      assert.equal(field(given, 'content-length'), length);
      assert.equal(field(given, 'content-type'), undefined);
    });
  }
});

describe('the placeholders of a degraded answer', () => {
  it('are found wherever values are put in, with the place they stand in', () => {
    const json = { user: { id: ID, tags: ['x', `${Q}-${ID}`] }, [ID]: 'key' };
    const found = placeholdersOf(options({ json, headers: { location: `/${ID}` }, body: Q }));
    assert.deepEqual(
      found.map(({ at, source, name }) => [at, source, name]),
      [
        ['headers.location', 'path', 'id'],
        ['json.user.id', 'path', 'id'],
        ['json.user.tags.1', 'query', 'q'],
        ['json.user.tags.1', 'path', 'id'],
      ],
    );
    assert.deepEqual(
      placeholdersOf(options({ body: `${ID} \${user.id}` })).map(({ at, text: written }) => [at, written]),
      [['body', ID]],
    );
  });
});
