import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { FallbackHandler, FallbackRequest } from '../../../src/strategies/fallback/options.ts';
import { fallbackHarness, type RequestScript } from './fallback-harness.ts';

const settled = (): Promise<void> => new Promise(setImmediate);

/** A call that fails, and the handler's part in it. */
async function fails(handler: unknown, script: RequestScript = {}) {
  const harness = fallbackHarness({ fallback: { handler: handler as FallbackHandler } });
  const exchange = harness.call(script);
  exchange.respondWith(503);
  for (let i = 0; i < 20 && exchange.log.length < 3; i++) await settled();
  return { exchange, reported: harness.reported.map(String), harness };
}

describe('a fallback handler', () => {
  it('is told of the call and of what happened to it', async () => {
    const calls: Array<{ request: FallbackRequest; status: number | undefined }> = [];
    await fails(
      (request: FallbackRequest, outcome: Parameters<FallbackHandler>[1]) => {
        calls.push({ request, status: outcome.kind === 'response' ? outcome.head.status : undefined });
        return undefined;
      },
      { method: 'DELETE', path: '/users/4%202?q=x' },
    );
    assert.deepEqual(calls, [
      {
        request: {
          method: 'DELETE',
          url: 'http://upstream.test/users/4%202?q=x',
          upstream: 'users',
          params: { id: '4 2' },
        },
        status: 503,
      },
    ]);
  });

  it('answers with a Response, whole and marked', async () => {
    const { exchange, reported, harness } = await fails(async () => {
      const headers = new Headers({ 'x-a': '1', 'transfer-encoding': 'chunked' });
      headers.append('set-cookie', 'a=1');
      headers.append('set-cookie', 'b=2');
      return new Response('grüß', { status: 203, statusText: 'By Hand', headers });
    });
    assert.deepEqual(exchange.log, ['first', 'hold', 'respond 203']);
    assert.equal(exchange.answeredBody, 'grüß');
    assert.equal(exchange.answeredWith?.statusText, 'By Hand');
    assert.deepEqual(exchange.answeredWith?.headers, [
      ['content-type', 'text/plain;charset=UTF-8'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-a', '1'],
      ['cache-control', 'no-store'],
      ['resilience-source', 'degraded'],
      ['content-length', '6'],
    ]);
    assert.deepEqual(reported, []);
    assert.equal(harness.engine.snapshots()[0]?.fallbacks.handler, 1);
  });

  it('answers with a plain object, with a mark of its own if it sets one', async () => {
    const { exchange } = await fails(() => ({
      status: 200,
      headers: { 'Resilience-Source': 'mine', 'Cache-Control': 'max-age=5' },
      body: Buffer.from('bytes'),
    }));
    assert.equal(exchange.answeredBody, 'bytes');
    assert.deepEqual(exchange.answeredWith?.headers, [
      ['resilience-source', 'mine'],
      ['cache-control', 'max-age=5'],
      ['content-length', '5'],
    ]);
  });

  it('has its body left out for HEAD', async () => {
    const { exchange } = await fails(() => new Response('abc'), { method: 'HEAD' });
    assert.equal(exchange.answeredBody, '');
    assert.equal(exchange.answeredHeader('content-length'), '3');
  });

  it('keeps the coding of a body it encoded itself, and drops that of one fetch has decoded', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const own = await fails(() => new Response('zipped', { headers }));
    assert.equal(own.exchange.answeredHeader('content-encoding'), 'gzip');
    const fetched = Object.defineProperty(new Response('plain', { headers }), 'url', { value: 'http://other.test/' });
    const decoded = await fails(() => fetched);
    assert.equal(decoded.exchange.answeredBody, 'plain');
    assert.equal(decoded.exchange.answeredHeader('content-encoding'), undefined);
  });

  it('with nothing to say leaves the outcome as it is, and that is no error', async () => {
    const { exchange, reported } = await fails(() => undefined);
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.deepEqual(reported, []);
    assert.equal(exchange.execution.result, 'failure');
  });
});

describe('a fallback handler that is broken', () => {
  const used = new Response('read');
  const locked = new Response('locked');
  const cases: Array<[what: string, handler: () => unknown, said: RegExp]> = [
    [
      'throws',
      () => {
        throw new Error('thrown');
      },
      /thrown/,
    ],
    [
      'throws what is no text',
      () => {
        throw Object.create(null);
      },
      /something that is no text/,
    ],
    [
      'throws no error',
      () => {
        throw 'text';
      },
      /text/,
    ],
    ['rejects', () => Promise.reject(new Error('rejected')), /rejected/],
    ['returns null', () => null, /null/],
    ['returns a number', () => 42, /number/],
    ['returns a string', () => 'body', /string/],
    ['returns an object without a status', () => ({ body: 'x' }), /status undefined/],
    ['returns a status that is none', () => ({ status: 99 }), /status 99/],
    ['returns a status of a message that is not final', () => ({ status: 101 }), /status 101/],
    ['returns a status in words', () => ({ status: '200' }), /status 200/],
    ['returns a header with a line end', () => ({ status: 200, headers: { a: 'b\r\nc: d' } }), /headers/],
    ['returns a header that is no pair', () => ({ status: 200, headers: ['a'] }), /headers/],
    ['returns a header with a bad name', () => ({ status: 200, headers: [['a b', 'c']] }), /headers/],
    ['returns headers in words', () => ({ status: 200, headers: 'a: b' }), /headers/],
    ['returns a body of another kind', () => ({ status: 200, body: { a: 1 } }), /neither bytes nor text/],
    ['returns Response.error()', () => Response.error(), /status 0/],
    ['returns a Response that has been read', () => used, /has been read/],
    ['returns a Response that somebody else is reading', () => locked, /locked/],
    [
      'returns a body that fails',
      () => new Response(new ReadableStream({ pull: (c) => c.error(new Error('died')) })),
      /died/,
    ],
    ['returns a body without end', () => new Response(endless()), /more than \d+ bytes/],
    [
      'returns a getter that throws',
      () => ({
        get status() {
          throw new Error('got');
        },
      }),
      /got/,
    ],
  ];

  before(async () => {
    await used.text();
    locked.body?.getReader();
  });

  for (const [what, handler, said] of cases) {
    it(`because it ${what} is reported once, and the outcome stands`, async () => {
      const { exchange, reported } = await fails(handler);
      assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
      assert.equal(reported.length, 1);
      assert.match(reported[0] ?? '', said);
      assert.match(reported[0] ?? '', /^OperatorNotice: policy important, upstream users: the fallback handler /);
    });
  }

  it('is told once per kind of fault, not once per call', async () => {
    let serial = 0;
    const handler = (): Response => {
      serial++;
      if (serial % 2 === 0) return null as never;
      throw new Error(`thrown ${serial}`);
    };
    const harness = fallbackHarness({ fallback: { handler } });
    for (let i = 0; i < 6; i++) {
      const exchange = harness.call();
      exchange.respondWith(503);
      while (exchange.log.length < 3) await settled();
    }
    const said = 'OperatorNotice: policy important, upstream users: the fallback handler';
    assert.deepEqual(harness.reported.map(String), [
      `${said} threw Error: thrown 1; calls went on without its answer`,
      `${said} returned null, not a response; calls went on without its answer`,
    ]);
  });
});

describe('a fallback handler whose body has no end', () => {
  it('is read no further than the limit', async () => {
    let pulled = 0;
    await fails(() => new Response(endless(() => pulled++)));
    assert.ok(pulled <= 7, `${pulled} chunks of 4 MiB for a limit of 16 MiB`);
  });
});

describe('a fallback handler that takes its time', () => {
  const never = (): Promise<never> => new Promise(() => {});

  it('is given up after ten seconds, and its late answer is thrown away', async () => {
    let answer: (response: Response) => void = () => {};
    const cancelled: unknown[] = [];
    const { exchange, harness } = await fails(() => new Promise<Response>((resolve) => (answer = resolve)));
    harness.clock.advance(9_999);
    await settled();
    assert.deepEqual(exchange.log, ['first', 'hold']);
    harness.clock.advance(1);
    await settled();
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.deepEqual(harness.reported.map(String), [
      'OperatorNotice: policy important, upstream users: the fallback handler gave no answer within 10s; ' +
        'calls went on without its answer',
    ]);
    answer(new Response(new ReadableStream({ cancel: () => void cancelled.push(true) })));
    await settled();
    await settled();
    assert.deepEqual(cancelled, [true]);
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.equal(harness.reported.length, 1);
  });

  it('is given up with a body that never ends, which is cancelled', async () => {
    const cancelled: unknown[] = [];
    const { exchange, harness } = await fails(
      () => new Response(new ReadableStream({ pull: never, cancel: () => void cancelled.push(true) })),
    );
    harness.clock.advance(10_000);
    await settled();
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.deepEqual(cancelled, [true]);
  });

  it('holds the process while it is awaited, and leaves no timer behind when it answers', async () => {
    const waiting = await fails(never);
    assert.equal(waiting.harness.clock.pendingThatHoldTheProcess, 1);
    const { exchange, harness } = await fails(() => new Response('x'));
    assert.equal(exchange.log.at(-1), 'respond 200');
    assert.equal(harness.clock.pending, 0);
  });

  it('may still give an answer it has at hand when the total time is over', async () => {
    const harness = fallbackHarness({
      fallback: { handler: async () => new Response('late') },
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
    });
    const exchange = harness.call();
    harness.clock.advance(40);
    for (let i = 0; i < 20 && exchange.answeredWith === undefined; i++) await settled();
    assert.equal(exchange.answeredBody, 'late');
  });

  it('does not hold the app for long when the total time is over', async () => {
    const harness = fallbackHarness({
      fallback: { handler: never },
      policy: { timeout: { attemptMs: undefined, totalMs: 40, idleMs: undefined } },
    });
    const exchange = harness.call();
    harness.clock.advance(40);
    harness.clock.advance(100);
    await settled();
    assert.equal(exchange.log.at(-1), 'fail');
  });
});

function endless(pulled = (): unknown => undefined): ReadableStream {
  const chunk = new Uint8Array(4 * 1024 * 1024);
  return new ReadableStream({
    pull(controller) {
      pulled();
      controller.enqueue(chunk);
    },
  });
}
