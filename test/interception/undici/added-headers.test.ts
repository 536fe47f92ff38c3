import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ExtraField } from '../../../src/interception/extra-headers.ts';
import { RETRY_DEFAULTS } from '../../../src/strategies/retry/options.ts';
import { allEntryPoints } from './support/entry-points.ts';
import { patched } from './support/patched.ts';
import { Divert, Retry } from './support/strategies.ts';
import { loadUndici, VERSIONS } from './support/undici-module.ts';
import { Upstream } from './support/upstream.ts';

const ID: ExtraField = ['x-request-id', 'r-1'];
const RECORDING = { retry: { ...RETRY_DEFAULTS, maxReplayBytes: 64 } };

describe('header fields added to calls of fetch and undici', () => {
  let upstream: Upstream;

  beforeEach(async () => {
    upstream = await Upstream.start(200);
    patched.use();
    patched.extraHeaders = [ID];
  });
  afterEach(async () => {
    await upstream.stop();
    assert.deepEqual(patched.reports, []);
    patched.reset();
  });

  const ids = (of = upstream) => of.hits.map(({ headers }) => headers['x-request-id']);

  for (const point of allEntryPoints()) {
    describe(point.name, () => {
      afterEach(() => point.close());

      it('sends them, and the header of the app instead if it gives one', async () => {
        await (await point.send(upstream.origin)).text();
        await (await point.send(upstream.origin, { headers: { 'X-A': 'a' } })).text();
        await (await point.send(upstream.origin, { headers: { 'X-Request-ID': 'app' } })).text();
        assert.deepEqual(ids(), ['r-1', 'r-1', 'app']);
        assert.equal(upstream.hits[1]?.headers['x-a'], 'a');
      });

      it('sends them with every attempt, at another endpoint too', async () => {
        const failing = await Upstream.start(503);
        try {
          const recoveries = [new Retry(1), new Divert(upstream)];
          patched.use({ policy: RECORDING, recoveries, only: failing.origin });
          await (await point.send(failing.origin)).text();
          assert.deepEqual([ids(failing), ids()], [['r-1', 'r-1'], ['r-1']]);
        } finally {
          await failing.stop();
        }
      });
    });
  }

  for (const version of VERSIONS) {
    describe(`undici ${version}: the forms of headers`, () => {
      const { request } = loadUndici(version);

      async function sent(headers: unknown): Promise<Record<string, unknown>> {
        const { body } = await request(upstream.origin, { headers });
        await body.dump();
        return upstream.hits.at(-1)?.headers ?? {};
      }

      it('are kept: a flat array, a record, none', async () => {
        const list = Object.freeze(['X-A', 'a']);
        const record = Object.freeze({ 'X-A': 'a' });
        for (const headers of [list, record]) {
          const { 'x-a': a, 'x-request-id': id } = await sent(headers);
          assert.deepEqual([a, id], ['a', 'r-1']);
        }
        for (const headers of [null, undefined, [], {}]) assert.equal((await sent(headers))['x-request-id'], 'r-1');
        assert.deepEqual([list, record], [['X-A', 'a'], { 'X-A': 'a' }]);
      });

      it('add nothing to a header the app has set, and one it set to nothing', async () => {
        assert.equal((await sent(['X-Request-Id', 'app']))['x-request-id'], 'app');
        assert.equal((await sent({ 'X-Request-Id': undefined }))['x-request-id'], 'r-1');
      });

      if (version !== '5') {
        it('are kept: a map, a Headers object, an iterator', async () => {
          const forms = [new Map([['X-A', 'a']]), new Headers({ 'X-A': 'a' }), new Map([['X-A', 'a']]).entries()];
          for (const headers of forms) {
            const { 'x-a': a, 'x-request-id': id } = await sent(headers);
            assert.deepEqual([a, id], ['a', 'r-1']);
          }
          assert.equal((await sent(new Map([['X-Request-Id', 'app']])))['x-request-id'], 'app');
        });
      }

      it("leave misuse to undici's own complaint", async () => {
        for (const headers of [['X-A'], 'X-A: a', [['X-A', 'a']]]) {
          await assert.rejects(sent(headers), { code: 'UND_ERR_INVALID_ARG' });
        }
      });

      it('are left alone with a tunnel, and with a call that is left alone', async () => {
        const heads: string[] = [];
        upstream.server.on('connect', ({ headers }, socket) => {
          heads.push(String(headers['x-request-id']));
          socket.end('HTTP/1.1 200 OK\r\n\r\n');
        });
        const client = new (loadUndici(version).Client)(upstream.origin);
        const { socket } = await client.connect({ path: 'example.com:443' });
        socket.resume();
        await once(socket, 'end');
        await client.destroy();
        assert.deepEqual(heads, ['undefined']);
        patched.bypassed = true;
        assert.equal((await sent({}))['x-request-id'], undefined);
      });
    });
  }
});
