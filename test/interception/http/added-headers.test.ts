import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, afterEach, before, describe, it } from 'mocha';
import type { ExtraField } from '../../../src/interception/extra-headers.ts';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import { retrying, type Script, ScriptedEngine } from './scripted-engine.ts';
import { Upstream } from './upstream.ts';

const ID: ExtraField = ['x-request-id', 'r-1'];
const DIRECT: Script = {};
const RELAYED: Script = { buffersOutcome: true, maxReplayBytes: 65_536 };
const WAITING: Script = { ...RELAYED, first: (call) => void setImmediate(() => call.send()) };

/** The head as Node has rendered it. */
function headOf(request: http.ClientRequest): string {
  return (request as unknown as { _header: string | null })._header ?? '';
}

describe('header fields added to calls of http.request', () => {
  const engine = new ScriptedEngine();
  const faults: unknown[] = [];
  let undo: Undo;
  let upstream: Upstream;
  let fields: readonly ExtraField[] | undefined;
  let asked = 0;

  before(async () => {
    upstream = await new Upstream().listen();
    const extraHeaders = () => {
      asked++;
      return fields;
    };
    const report = (error: unknown) => faults.push(error);
    ({ undo } = patchHttp({ engine, bypass: () => false, extraHeaders, report }));
  });
  after(async () => {
    undo();
    await upstream.close();
  });
  afterEach(() => {
    assert.deepEqual(faults, []);
  });

  function script(of: Script | undefined, added: readonly ExtraField[] = [ID], ...steps: number[]): void {
    engine.reset(of);
    upstream.reset(...steps);
    fields = added.length === 0 ? undefined : added;
    asked = 0;
  }

  async function received(request: http.ClientRequest): Promise<http.IncomingHttpHeaders> {
    const [response] = (await once(request.end(), 'response')) as [http.IncomingMessage];
    await once(response.resume(), 'end');
    return upstream.heads.at(-1)?.headers ?? {};
  }

  const url = (): string => `http://127.0.0.1:${upstream.port}/x?y=1`;
  const place = () => ({ host: '127.0.0.1', port: upstream.port, path: '/x', agent: false }) as const;

  for (const [path, of] of [
    ['that is one attempt', DIRECT],
    ['that may be repeated', RELAYED],
    ['that has to wait', WAITING],
  ] as const) {
    describe(`to a call ${path}`, () => {
      const forms: ReadonlyArray<readonly [string, (heard: () => void) => http.ClientRequest]> = [
        ['(url)', () => http.request(url())],
        ['(url, callback)', (heard) => http.request(url(), heard)],
        ['(URL object, options)', () => http.request(new URL(url()), { agent: false })],
        ['(url, options, callback)', (heard) => http.request(url(), { headers: { 'X-A': 'a' } }, heard)],
        ['(url, undefined, callback)', (heard) => http.request(url(), undefined as never, heard)],
        ['(options)', () => http.request(place())],
        ['(options, callback)', (heard) => http.request({ ...place(), headers: { 'X-A': 'a' } }, heard)],
        ['(options) with a flat array', () => http.request({ ...place(), headers: ['Host', 'h', 'X-A', 'a'] })],
        [
          '(options) with an array of pairs',
          () =>
            http.request({
              ...place(),
              headers: [
                ['Host', 'h'],
                ['X-A', 'a'],
              ] as never,
            }),
        ],
        ['(options) with an empty array', () => http.request({ ...place(), headers: [], setHost: false })],
        ['get(url)', () => http.get(url())],
        ['(url, options) with a signal', () => http.request(url(), { signal: new AbortController().signal })],
      ];
      for (const [form, make] of forms) {
        it(`reach the upstream for ${form}`, async () => {
          script(of);
          let heard = 0;
          const takesCallback = form.includes('callback');
          // Without a Host header the server would refuse what the app was free to send.
          if (form.includes('empty array')) upstream.server.on('clientError', (_error, socket) => socket.destroy());
          const request = make(() => heard++);
          if (form.includes('empty array')) {
            request.on('error', () => {});
            assert.match(headOf(request.end()), /^x-request-id: r-1\r\n/im);
            await once(request, 'close');
            return;
          }
          const headers = await received(request);
          assert.equal(headers['x-request-id'], 'r-1');
          if (/X-A|callback|array/.test(form) && 'x-a' in headers) assert.equal(headers['x-a'], 'a');
          assert.equal(heard, takesCallback ? 1 : 0);
        });
      }

      it('give way to the header the app gives, however it spells it', async () => {
        for (const headers of [{ 'X-Request-ID': 'app' }, ['Host', 'h', 'X-Request-ID', 'app']]) {
          script(of);
          assert.equal((await received(http.request({ ...place(), headers })))['x-request-id'], 'app');
        }
      });

      it('give way to the header the app sets on its request', async () => {
        script(of);
        const request = http.request(url());
        request.setHeader('X-REQUEST-ID', 'app');
        assert.equal((await received(request))['x-request-id'], 'app');
      });

      it('go without the header that the app takes off its request', async () => {
        script(of);
        const request = http.request(url());
        request.removeHeader('x-request-id');
        assert.equal((await received(request))['x-request-id'], undefined);
      });

      it("leave the app's own options as they are", async () => {
        script(of);
        const headers = Object.freeze({ 'X-A': 'a' });
        await received(http.request(Object.freeze({ ...place(), headers })));
        const list = Object.freeze(['Host', 'h']) as unknown as string[];
        await received(http.request(Object.freeze({ ...place(), headers: list })));
        assert.deepEqual([headers, list], [{ 'X-A': 'a' }, ['Host', 'h']]);
      });
    });
  }

  it('go along with every attempt', async () => {
    script(retrying(2), [ID], 503, 200);
    await received(http.request(url()));
    assert.deepEqual(
      upstream.heads.map(({ headers }) => headers['x-request-id']),
      ['r-1', 'r-1'],
    );
  });

  it('are not added to a tunnel', async () => {
    script(DIRECT);
    const request = http.request({ ...place(), method: 'CONNECT', path: 'example.com:443' }).end();
    const [, socket] = await once(request, 'connect');
    (socket as { destroy(): void }).destroy();
    assert.doesNotMatch(headOf(request), /x-request-id/i);
  });

  it("leave misuse to Node's own complaint", () => {
    script(DIRECT);
    const odd = ['X-A'];
    assert.throws(() => http.request({ ...place(), headers: odd }), { code: 'ERR_INVALID_ARG_VALUE' });
    const nothing = { 'x-request-id': undefined };
    assert.throws(() => http.request({ ...place(), headers: nothing }), { code: 'ERR_HTTP_INVALID_HEADER_VALUE' });
    assert.throws(() => http.request(url(), {}, 'no function' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('are not even asked for by a call that is left alone', async () => {
    script(undefined);
    assert.equal((await received(http.request(url())))['x-request-id'], undefined);
    assert.equal(asked, 0);
  });

  it('change no byte when there are none', async () => {
    const heads: unknown[] = [];
    for (const of of [undefined, DIRECT, RELAYED]) {
      script(of, []);
      const request = http.request({ ...place(), headers: { 'X-A': 'a', b: ['1', '2'] } });
      await received(request);
      heads.push(headOf(request));
    }
    assert.equal(new Set(heads).size, 1);
  });
});
