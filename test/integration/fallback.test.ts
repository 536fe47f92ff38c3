import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { after, before, beforeEach, describe, it } from 'mocha';
import { ALL_CLIENTS, App, type Ask, CLIENTS, type Client, type Reply } from './support/app.ts';
import { type Act, closedPort, ScriptedOrigin } from './support/scripted-origin.ts';

const BUDGET = 'retry: { max_retries: 0, budget: { min_per_second: 1000 } }';
// biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the configuration's
const DEGRADED = 'response: { status: 200, json: { id: "${path.id}", name: Unknown, email: null, status: degraded } }';

interface Places {
  readonly refused: number;
  readonly backup: ScriptedOrigin;
  readonly second: ScriptedOrigin;
  readonly secure: ScriptedOrigin;
}

function configOf({ refused, backup, second, secure }: Places): string {
  const policies: Record<string, string> = {
    chain: `{ ${BUDGET}, fallback: { endpoints: ["http://127.0.0.1:${refused}", "${backup.origin}"], cache: {}, ${DEGRADED} } }`,
    broken: `{ ${BUDGET}, circuit_breaker: { consecutive_failures: 1, open: { duration: 1h } }, fallback: { endpoints: ["http://127.0.0.1:${refused}", "${backup.origin}"], cache: {}, ${DEGRADED} } }`,
    based: `{ ${BUDGET}, fallback: { endpoints: ["${backup.origin}/v2"] } }`,
    secured: `{ ${BUDGET}, fallback: { endpoints: ["https://localhost:${secure.port}/safe"] } }`,
    trusted: `{ ${BUDGET}, fallback: { endpoints: ["${backup.origin}"], forward_credentials: true } }`,
    cached: `{ fallback: { cache: {} } }`,
    private: `{ fallback: { cache: { private: true } } }`,
    retried: `{ retry: { max_retries: 1, backoff: { base: 1ms, max: 2ms }, budget: { min_per_second: 1000 } }, fallback: { endpoints: ["${backup.origin}", "${second.origin}"] } }`,
    scant: `{ retry: { max_retries: 0, budget: { ratio: 0.2, min_per_second: 0 } }, fallback: { endpoints: ["${backup.origin}"] } }`,
  };
  const named = Object.entries(policies);
  return [
    'policies:',
    '  default: {}',
    ...named.map(([name, text]) => `  ${name}: ${text}`),
    'rules:',
    ...named.map(([name]) => `  - { match: { url: "http://127.0.0.1:*/${name}/users/:id" }, policy: ${name} }`),
    '',
  ].join('\n');
}

const cacheable =
  (body: string | Buffer, headers: Record<string, string> = {}): Act =>
  (_request, response) =>
    response.writeHead(200, { 'cache-control': 'max-age=60', 'content-type': 'text/plain', ...headers }).end(body);

const sourceOf = (reply: Reply): unknown => reply.headers?.['resilience-source'];

describe('fallback, on the wire', () => {
  let app: App;
  let backup: ScriptedOrigin;
  let second: ScriptedOrigin;
  let secure: ScriptedOrigin;
  let primary: ScriptedOrigin;
  const primaries: ScriptedOrigin[] = [];

  before(async () => {
    [backup, second, secure] = await Promise.all([
      ScriptedOrigin.start(),
      ScriptedOrigin.start(),
      ScriptedOrigin.start(200, true),
    ]);
    app = await App.start({ config: configOf({ refused: await closedPort(), backup, second, secure }) });
  });
  after(async () => {
    await app.end();
    await Promise.all([backup, second, secure, ...primaries].map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });
  beforeEach(async () => {
    for (const each of [backup, second, secure]) each.reset();
    primary = await ScriptedOrigin.start();
    primaries.push(primary);
  });

  const ask = (client: Client, policy: string, more: Partial<Ask> & { id?: string } = {}): Promise<Reply> =>
    app.call(client, { ...more, url: `${primary.origin}/${policy}/users/${more.id ?? '7'}` });

  for (const client of ALL_CLIENTS) {
    describe(client, () => {
      it('goes down the chain and says who answered', async () => {
        primary.act = 503;
        backup.act = cacheable('from the backup');
        const fromBackup = await ask(client, 'chain', { id: '7?a=b' });
        assert.equal(fromBackup.status, 200, JSON.stringify(fromBackup));
        assert.equal(fromBackup.text, 'from the backup');
        assert.equal(sourceOf(fromBackup), 'endpoint');
        assert.deepEqual(
          backup.hits.map(({ url }) => url),
          ['/chain/users/7?a=b'],
        );

        backup.act = 500;
        const fromCache = await ask(client, 'chain', { id: '7?a=b' });
        assert.equal(fromCache.text, 'from the backup');
        assert.equal(sourceOf(fromCache), 'cache');
        assert.match(String(fromCache.headers?.age), /^\d+$/);
        assert.match(String(fromCache.headers?.['cache-status']), /hit/);

        const degraded = await ask(client, 'chain', { id: '8' });
        assert.equal(sourceOf(degraded), 'degraded');
        assert.equal(degraded.status, 200);
        assert.deepEqual(JSON.parse(degraded.text), { id: '8', name: 'Unknown', email: null, status: 'degraded' });
        assert.match(String(degraded.headers?.['content-type']), /^application\/json/);

        const hostile = '"},{"x';
        const escaped = await ask(client, 'chain', { id: encodeURIComponent(hostile) });
        assert.equal(JSON.parse(escaped.text).id, hostile);
      });

      it("leaves the primary's own answer unmarked", async () => {
        const reply = await ask(client, 'chain');
        assert.equal(reply.status, 200);
        assert.equal(sourceOf(reply), undefined);
        assert.equal(backup.requests, 0);
      });

      it('answers from the same chain while the circuit is open, without touching the primary', async () => {
        primary.act = 'reset';
        assert.equal(sourceOf(await ask(client, 'broken')), 'endpoint');
        const { requests } = primary;
        const reply = await ask(client, 'broken');
        assert.equal(sourceOf(reply), 'endpoint');
        assert.equal(primary.requests, requests);
        backup.act = 500;
        assert.equal(sourceOf(await ask(client, 'broken', { id: '9' })), 'degraded');
        // Now all three circuits are open.
        const before = backup.requests;
        assert.equal(sourceOf(await ask(client, 'broken', { id: '9' })), 'degraded');
        assert.equal(backup.requests, before);
        assert.equal(primary.requests, requests);
      });
    });
  }

  for (const client of CLIENTS) {
    describe(client, () => {
      it('keeps method, query and body at an endpoint with a base path, and names the endpoint as host', async () => {
        primary.act = 503;
        const body = { kind: 'stream', text: 'some content' };
        const headers = { 'idempotency-key': '1', 'x-mine': 'yes', 'content-type': 'text/x-mine' };
        const reply = await ask(client, 'based', { id: '7?a=b', method: 'PUT', headers, body });
        assert.equal(sourceOf(reply), 'endpoint', JSON.stringify(reply));
        const [hit] = backup.hits;
        assert.equal(`${hit?.method} ${hit?.url} ${hit?.body}`, 'PUT /v2/based/users/7?a=b some content');
        assert.equal(hit?.headers.host, backup.host);
        assert.equal(hit?.headers['x-mine'], 'yes');
        assert.equal(hit?.headers['content-type'], 'text/x-mine');
      });

      it('does not repeat a POST elsewhere that may have arrived', async () => {
        primary.act = 503;
        const reply = await ask(client, 'based', { method: 'POST', body: { kind: 'string', text: 'once' } });
        assert.equal(reply.status, 503);
        assert.equal(backup.requests, 0);
      });

      it('reaches an https endpoint from an http call', async () => {
        primary.act = 'reset';
        const reply = await ask(client, 'secured');
        assert.equal(reply.status, 200, JSON.stringify(reply));
        assert.equal(sourceOf(reply), 'endpoint');
        assert.equal(secure.hits[0]?.headers.host, `localhost:${secure.port}`);
        assert.equal(secure.hits[0]?.url, '/safe/secured/users/7');
      });

      it('retries the primary first, and passes on what the last endpoint said', async () => {
        primary.act = 503;
        backup.act = 500;
        second.act = 502;
        const reply = await ask(client, 'retried');
        assert.deepEqual([primary.requests, backup.requests, second.requests], [2, 1, 1]);
        assert.equal(reply.status, 502);
        assert.equal(sourceOf(reply), 'endpoint');
      });

      it('answers HEAD from an endpoint', async () => {
        primary.act = 503;
        const reply = await ask(client, 'chain', { method: 'HEAD' });
        assert.equal(sourceOf(reply), 'endpoint');
        assert.equal(backup.hits[0]?.method, 'HEAD');
        assert.equal(reply.text, '');
      });

      it('keeps credentials from another origin unless the policy forwards them', async () => {
        primary.act = 503;
        const headers = { authorization: 'Bearer secret', cookie: 'sid=secret', 'proxy-authorization': 'Basic secret' };
        await ask(client, 'based', { headers: { ...headers, 'x-other': 'fine' } });
        assert.equal(backup.requests, 1);
        assert.ok(!JSON.stringify(backup.hits[0]?.headers).includes('secret'));
        assert.equal(backup.hits[0]?.headers['x-other'], 'fine');
        await ask(client, 'trusted', { headers });
        assert.equal(backup.hits[1]?.headers.authorization, 'Bearer secret');
        assert.equal(backup.hits[1]?.headers.cookie, 'sid=secret');
      });

      it('spends the budget on endpoints too', async () => {
        primary.act = 503;
        const replies = [];
        for (let i = 0; i < 3; i++)
          replies.push(...(await app.burst(client, { url: `${primary.origin}/scant/users/1` }, 10)));
        assert.equal(primary.requests, 30);
        assert.ok(backup.requests >= 2 && backup.requests <= 6, `${backup.requests}`);
        assert.deepEqual([...new Set(replies.map(({ status }) => status))].sort(), [200, 503]);
      });

      it('keeps no private response, and none to credentials, for anybody', async () => {
        const mine = { authorization: 'Bearer mine' };
        for (const [headers, fields] of [
          [{}, { 'cache-control': 'private, max-age=60' }],
          [{}, { 'cache-control': 'no-store' }],
          [{}, { 'set-cookie': 'sid=1' }],
          [mine, {}],
          [{ cookie: 'sid=1' }, {}],
        ] as const) {
          primary.act = cacheable('for me alone', fields);
          assert.equal((await ask(client, 'cached', { headers })).status, 200);
          primary.act = 503;
          for (const asker of [headers, {}]) {
            assert.equal(
              (await ask(client, 'cached', { headers: asker })).status,
              503,
              JSON.stringify([headers, fields]),
            );
          }
        }
      });

      it('keeps private responses for their caller alone when told to keep them', async () => {
        const mine = { authorization: 'Bearer mine' };
        primary.act = cacheable('for me alone', { 'cache-control': 'private, max-age=60' });
        await ask(client, 'private', { headers: mine });
        primary.act = 503;
        const reply = await ask(client, 'private', { headers: mine });
        assert.equal(sourceOf(reply), 'cache');
        assert.equal(reply.text, 'for me alone');
        for (const headers of [{}, { authorization: 'Bearer other' }, { cookie: 'sid=1' }]) {
          assert.equal((await ask(client, 'private', { headers: headers as Record<string, string> })).status, 503);
        }
      });

      it('answers by what varies, HEAD and conditional requests from the cache', async () => {
        primary.act = (request, response) =>
          response
            .writeHead(200, {
              'cache-control': 'max-age=60',
              vary: 'accept-language',
              etag: '"one"',
              'content-length': '2',
            })
            .end(request.headers['accept-language']);
        const german = { 'accept-language': 'de' };
        await ask(client, 'cached', { headers: german });
        await ask(client, 'cached', { headers: { 'accept-language': 'fr' } });
        primary.act = 503;
        assert.equal((await ask(client, 'cached', { headers: german })).text, 'de');
        assert.equal((await ask(client, 'cached', { headers: { 'accept-language': 'fr' } })).text, 'fr');
        assert.equal((await ask(client, 'cached', { headers: { 'accept-language': 'it' } })).status, 503);
        const head = await ask(client, 'cached', { headers: german, method: 'HEAD' });
        assert.deepEqual([head.status, head.text, sourceOf(head)], [200, '', 'cache'], JSON.stringify(head));
        const same = await ask(client, 'cached', { headers: { ...german, 'if-none-match': '"one"' } });
        assert.deepEqual([same.status, same.text, sourceOf(same)], [304, '', 'cache'], JSON.stringify(same));
      });

      it('keeps the content encoding of what is cached', async () => {
        const packed = gzipSync('unpacked by whoever unpacks');
        primary.act = cacheable(packed, { 'content-encoding': 'gzip' });
        const headers = { 'accept-encoding': 'gzip' };
        const live = await ask(client, 'cached', { headers });
        primary.act = 503;
        const kept = await ask(client, 'cached', { headers });
        assert.equal(sourceOf(kept), 'cache');
        assert.equal(kept.text, live.text);
        assert.equal(kept.headers?.['content-encoding'], 'gzip');
        assert.equal(kept.text, client === 'fetch' ? 'unpacked by whoever unpacks' : packed.toString('latin1'));
      });

      it('caches nothing of a body that died', async () => {
        primary.act = (request, response) => {
          response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': '100' });
          response.write('half', () => request.socket.resetAndDestroy());
        };
        assert.ok((await ask(client, 'cached')).error !== undefined);
        primary.act = 503;
        assert.equal((await ask(client, 'cached')).status, 503);
      });
    });
  }
});
