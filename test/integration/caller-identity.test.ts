import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import { App, type Ask, CLIENTS, type Client, type Reply } from './support/app.ts';
import { type Hit, ScriptedOrigin } from './support/scripted-origin.ts';

/** Names by which services and proxies tell for whom a request is made; the last two nobody has listed. */
const NAMES = `authorization cookie x-api-key x-auth-token private-token x-vault-token api-key apikey x-goog-api-key
  ocp-apim-subscription-key x-functions-key x-session-id x-session-token x-csrf-token x-goog-iap-jwt-assertion
  cf-access-jwt-assertion cf-access-client-secret x-amzn-oidc-data x-shopify-access-token x-plex-token x-user
  x-forwarded-email x-remote-user x-authorization authentication token x-tenant x-account-id x-customer-id dpop
  x-hasura-admin-secret x-client-cert x-ms-client-principal x-figma-token x-github-token x-real-user x-acme-who
  x-nobody-thought-of`.split(/\s+/);

const sourceOf = (reply: Reply): unknown => reply.headers?.['resilience-source'];

/** Whoever asks gets what is theirs. */
const personal = (request: { headers: object }, response: { end(text: string): unknown }, hit: Hit): unknown =>
  response.end(
    `data of ${hit.certificate ?? Object.values(request.headers).find((value) => /^of-/.test(value)) ?? ''}${hit.body}`,
  );

describe('who asks, on the wire', () => {
  let app: App;
  let primary: ScriptedOrigin;
  let secure: ScriptedOrigin;
  let backup: ScriptedOrigin;

  before(async () => {
    [primary, secure, backup] = await Promise.all([
      ScriptedOrigin.start(),
      ScriptedOrigin.start(200, true),
      ScriptedOrigin.start(200, true),
    ]);
    const there = `"https://localhost:${backup.port}"`;
    const home = `"http://127.0.0.1:${primary.port}/v2", "https://127.0.0.1:${secure.port}/v2"`;
    const budget = 'retry: { max_retries: 0, budget: { min_per_second: 1000 } }';
    const policies = {
      cached: '{ fallback: { cache: {} } }',
      refused: '{ circuit_breaker: { consecutive_failures: 1, open: { duration: 1h } }, fallback: { cache: {} } }',
      private: '{ fallback: { cache: { private: true } } }',
      elsewhere: `{ ${budget}, fallback: { endpoints: [${there}] } }`,
      trusted: `{ ${budget}, fallback: { endpoints: [${there}], forward_credentials: true } }`,
      home: `{ ${budget}, fallback: { endpoints: [${home}] } }`,
      degraded: '{ fallback: { response: { json: {} } } }',
    };
    const names = Object.entries(policies);
    const config = [
      'credential_headers: [X-Acme-Who]',
      'policies:',
      '  default: {}',
      ...names.map(([name, text]) => `  ${name}: ${text}`),
      'rules:',
      ...names.map(([name]) => `  - { match: { url: "*://127.0.0.1:*/${name}/*" }, policy: ${name} }`),
    ].join('\n');
    app = await App.start({ config });
  });
  after(async () => {
    await app.end();
    await Promise.all([primary, secure, backup].map((each) => each.stop()));
  });
  beforeEach(() => {
    for (const each of [primary, secure, backup]) each.reset();
  });

  let serial = 0;
  /** A place of its own for each test, so that no other's answer is in the cache. */
  const place = (origin: ScriptedOrigin, policy: string): string => `${origin.origin}/${policy}/${++serial}`;
  const ask = (client: Client, url: string, more: Partial<Ask> = {}): Promise<Reply> =>
    app.call(client, { url, ...more });

  for (const client of CLIENTS) {
    describe(client, () => {
      for (const policy of ['cached', 'private']) {
        it(`gives nobody another's answer from a ${policy} cache, whatever the header`, async () => {
          primary.act = personal;
          const url = place(primary, policy);
          for (const name of NAMES) await ask(client, `${url}/${name}`, { headers: { [name]: 'of-alice' } });
          primary.act = 503;
          for (const name of NAMES) {
            const bob = await ask(client, `${url}/${name}`, { headers: { [name]: 'of-bob' } });
            assert.equal(bob.status, 503, `${name}: ${bob.text}`);
            const nobody = await ask(client, `${url}/${name}`);
            assert.equal(nobody.status, 503, `${name}: ${nobody.text}`);
            const alice = await ask(client, `${url}/${name}`, { headers: { [name]: 'of-alice' } });
            const hers = policy === 'private' || name === 'x-nobody-thought-of';
            assert.equal(alice.text === 'data of of-alice', hers, name);
          }
        });
      }

      it('shares an answer among requests that differ in traces and ids only', async () => {
        primary.act = personal;
        const url = place(primary, 'cached');
        await ask(client, url, { headers: { traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` } });
        primary.act = 503;
        const other = { 'x-request-id': '2', 'x-b3-traceid': '2', 'x-datadog-trace-id': '2', 'user-agent': 'other' };
        assert.equal(sourceOf(await ask(client, url, { headers: other })), 'cache');
      });

      it('marks a stale and a degraded answer for the caches of the app', async () => {
        primary.act = personal;
        const url = place(primary, 'cached');
        await ask(client, url);
        primary.act = 503;
        const stale = await ask(client, url);
        assert.deepEqual([sourceOf(stale), stale.headers?.['cache-control']], ['cache', 'no-store']);
        const degraded = await ask(client, place(primary, 'degraded'));
        assert.deepEqual([sourceOf(degraded), degraded.headers?.['cache-control']], ['degraded', 'no-store']);
      });

      if (client !== 'http.request') {
        it('keeps every header that names the caller from another origin', async () => {
          primary.act = 503;
          const headers = Object.fromEntries(NAMES.map((name) => [name, 'of-alice']));
          const reply = await ask(client, place(primary, 'elsewhere'), { headers });
          assert.equal(sourceOf(reply), 'endpoint', JSON.stringify(reply));
          const seen = Object.keys(backup.hits[0]?.headers ?? {}).filter((name) => NAMES.includes(name));
          assert.deepEqual(seen, ['x-nobody-thought-of']);
          await ask(client, place(primary, 'trusted'), { headers });
          assert.equal(
            Object.values(backup.hits[1]?.headers ?? {}).filter((value) => value === 'of-alice').length,
            NAMES.length,
          );
        });
      }

      it('sends them to an endpoint of the same origin', async () => {
        primary.script = [503];
        const headers = { authorization: 'of-alice', 'x-acme-who': 'of-alice' };
        const reply = await ask(client, place(primary, 'home'), { headers });
        assert.equal(sourceOf(reply), 'endpoint', JSON.stringify(reply));
        assert.equal(primary.hits[1]?.headers.authorization, 'of-alice');
        assert.equal(primary.hits[1]?.headers['x-acme-who'], 'of-alice');
      });

      if (client.startsWith('undici')) {
        it('gives no answer to one query to another that differs in its content', async () => {
          primary.act = personal;
          const url = place(primary, 'cached');
          const query = (text: string): Partial<Ask> => ({ method: 'GET', body: { kind: 'string', text } });
          await ask(client, url, query('{"user":"alice"}'));
          primary.act = 503;
          assert.equal((await ask(client, url, query('{"user":"bob"}'))).status, 503);
          assert.equal((await ask(client, url)).status, 503);
        });
      }
    });
  }

  for (const policy of ['cached']) {
    it(`knows a call of http.request by headers set later, too, where calls are ${policy}`, async () => {
      primary.act = personal;
      const url = place(primary, policy);
      await ask('http.request', url, { lateHeaders: { 'accept-language': 'of-en' } });
      await ask('http.request', url, { headers: { 'accept-language': 'of-de' } });
      primary.act = 503;
      // Opens the circuit of the second policy.
      await ask('http.request', `${url}/other`);
      for (const language of ['of-en', 'of-de']) {
        for (const how of ['headers', 'lateHeaders'] as const) {
          const reply = await ask('http.request', url, { [how]: { 'accept-language': language } });
          assert.equal(reply.text, `data of ${language}`, how);
        }
      }
      const bob = { authorization: 'of-bob', 'accept-language': 'of-en' };
      for (const lateHeaders of [bob, { 'x-nobody-thought-of': '1' }] as Record<string, string>[]) {
        assert.equal(sourceOf(await ask('http.request', url, { lateHeaders })), undefined);
      }
    });
  }
});
