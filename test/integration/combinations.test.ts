import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import { App, type Ask, CLIENTS, type Client, codesOf, type Reply } from './support/app.ts';
import { closedPort, ScriptedOrigin } from './support/scripted-origin.ts';

const QUICK = 'backoff: { base: 1ms, max: 2ms }, budget: { min_per_second: 1000 }';
const SUBSTITUTE = 'response: { status: 203, body: substitute }';
const OPENING = 'circuit_breaker: { consecutive_failures: 1, open: { duration: 1h } }';

const configOf = (backup: string): string => {
  const policies: Record<string, string> = {
    opened: `{ ${OPENING}, fallback: { endpoints: ["${backup}"] } }`,
    stopped: `{ circuit_breaker: { consecutive_failures: 2, open: { duration: 1h } }, retry: { max_retries: 5, ${QUICK} } }`,
    full: `{ bulkhead: { max_concurrent: 1 }, fallback: { ${SUBSTITUTE} } }`,
    limited: `{ rate_limiter: { permits: 1, interval: 1h }, fallback: { endpoints: ["${backup}"] } }`,
    late: `{ timeout: { attempt: 400ms, total: 5s }, fallback: { endpoints: ["${backup}"] } }`,
    overdue: `{ timeout: { attempt: off, total: 100ms }, circuit_breaker: false, fallback: { endpoints: ["${backup}"], ${SUBSTITUTE} } }`,
    patient: `{ retry: { max_retries: 2, backoff: { base: 1h, max: 1h }, budget: { min_per_second: 1000 } } }`,
    waiting: `{ timeout: { attempt: 200ms, total: 300ms }, retry: { max_retries: 2, backoff: { base: 250ms, max: 250ms }, budget: { min_per_second: 1000 } } }`,
    preset: '{ preset: standard }',
  };
  const named = Object.entries(policies);
  return [
    'policies:',
    '  default: {}',
    ...named.map(([name, text]) => `  ${name}: ${text}`),
    'rules:',
    ...named.map(([name]) => `  - { match: { url: "http*://127.0.0.1:*/${name}/*" }, policy: ${name} }`),
    '',
  ].join('\n');
};

describe('strategies together, on the wire', () => {
  let app: App;
  let bare: App;
  let backup: ScriptedOrigin;
  let upstream: ScriptedOrigin;
  const upstreams: ScriptedOrigin[] = [];

  before(async () => {
    backup = await ScriptedOrigin.start();
    [app, bare] = await Promise.all([App.start({ config: configOf(backup.origin) }), App.start()]);
  });
  after(async () => {
    await Promise.all([app.end(), bare.end()]);
    await Promise.all([backup, ...upstreams].map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });
  beforeEach(async () => {
    backup.reset();
    upstream = await ScriptedOrigin.start();
    upstreams.push(upstream);
  });

  const call = (client: Client, policy: string, more: Partial<Ask> = {}): Promise<Reply> =>
    app.call(client, { url: `${upstream.origin}/${policy}/1`, ...more });

  for (const client of CLIENTS) {
    describe(client, () => {
      for (const kind of ['string', 'stream']) {
        it(`sends a POST that an open circuit kept here to an endpoint, once and in full, from a ${kind}`, async () => {
          upstream.act = 503;
          await call(client, 'opened');
          const { circuits } = await app.upstream(upstream.origin);
          assert.deepEqual(
            circuits.map(({ state, counted, failures }) => [state, counted, failures]),
            [
              ['open', 1, 1],
              ['closed', 1, 0],
            ],
          );
          backup.reset();
          const body = { kind, bytes: 300_000, count: 10 };
          const reply = await call(client, 'opened', { method: 'POST', body });
          assert.equal(reply.status, 200, JSON.stringify(reply));
          assert.equal(reply.headers?.['resilience-source'], 'endpoint');
          assert.deepEqual(
            backup.hits.map((hit) => [hit.method, hit.body.length]),
            [['POST', 300_000]],
          );
          assert.equal(upstream.requests, 1);
        });
      }

      it('sends a POST that was refused to an endpoint', async () => {
        const url = `http://127.0.0.1:${await closedPort()}/opened/1`;
        const body = { kind: 'stream', text: 'some content' };
        const reply = await call(client, 'opened', { url, method: 'POST', body });
        assert.equal(reply.headers?.['resilience-source'], 'endpoint', JSON.stringify(reply));
        assert.equal(backup.hits[0]?.body, 'some content');
      });

      it('retries no more once the circuit has opened, and passes on the last response', async () => {
        upstream.act = 503;
        const reply = await call(client, 'stopped');
        assert.equal(reply.status, 503, JSON.stringify(reply));
        assert.equal(upstream.requests, 2);
        const rejected = await call(client, 'stopped');
        assert.ok(codesOf(rejected).includes('ERR_RESILIENCE_CIRCUIT_OPEN'), JSON.stringify(rejected));
        assert.equal(upstream.requests, 2);
      });

      it('answers for a full bulkhead and a rate limit', async () => {
        upstream.act = (_request, response) => setTimeout(() => response.end('real'), 50);
        const replies = await app.burst(client, { url: `${upstream.origin}/full/1` }, 3);
        assert.deepEqual(replies.map(({ text }) => text).sort(), ['real', 'substitute', 'substitute']);
        assert.equal((await call(client, 'limited')).headers?.['resilience-source'], undefined);
        assert.equal((await call(client, 'limited')).headers?.['resilience-source'], 'endpoint');
      });

      it('goes to an endpoint when an attempt took too long', async () => {
        upstream.act = 'hang';
        const reply = await call(client, 'late');
        assert.equal(reply.headers?.['resilience-source'], 'endpoint', JSON.stringify(reply));
        while (upstream.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
      });

      it('answers itself when no time is left for an endpoint', async () => {
        upstream.act = 'hang';
        const reply = await call(client, 'overdue');
        assert.deepEqual([reply.status, reply.text], [203, 'substitute'], JSON.stringify(reply));
        assert.equal(backup.requests, 0);
      });

      it('gives up at once when the app aborts during back-off, with the error the client has for that', async () => {
        upstream.act = 503;
        const running = app.begin(client, { url: `${upstream.origin}/patient/1` });
        await upstream.begun(1);
        // The retry is paid for when it is decided on; it counts when it is sent.
        await app.until(upstream.origin, ({ retryBudget }) => retryBudget === 9_999);
        running.abort();
        const hanging = await ScriptedOrigin.start('hang');
        upstreams.push(hanging);
        const plain = bare.begin(client, { url: hanging.origin });
        await hanging.begun(1);
        plain.abort();
        const shape = ({ error }: Reply): unknown => error?.map(({ name, code, message }) => [name, code, message]);
        assert.deepEqual(shape(await running.reply), shape(await plain.reply));
        assert.equal(upstream.requests, 1);
      });

      it('has the last real response for the app when time runs out during retries', async () => {
        upstream.script = [503, 'hang', 'hang'];
        const reply = await call(client, 'waiting');
        // Either the pause was too long for what is left, or the second attempt took too long.
        if (upstream.requests === 1) assert.equal(reply.status, 503, JSON.stringify(reply));
        else assert.ok(codesOf(reply).includes('ERR_RESILIENCE_TIMEOUT'), JSON.stringify(reply));
      });

      it('changes nothing of what works under the standard preset, whatever the body', async () => {
        upstream.act = (_request, response, { body }) =>
          response.writeHead(200, { 'x-a': 'b', 'set-cookie': ['a=1', 'b=2'] }).end(body);
        for (const kind of ['string', 'stream']) {
          const ask = { url: `${upstream.origin}/preset/1`, method: 'POST', body: { kind, bytes: 500_000 } };
          const [ours, plain] = await Promise.all([app.call(client, ask), bare.call(client, ask)]);
          const { date: _, ...oursRest } = ours.headers ?? {};
          const { date: __, ...plainRest } = plain.headers ?? {};
          assert.deepEqual({ ...ours, headers: oursRest }, { ...plain, headers: plainRest });
          assert.equal(ours.text.length, 500_000);
        }
      });
    });
  }

  it('holds for https primaries as well', async () => {
    const secure = await ScriptedOrigin.start(503, true);
    upstreams.push(secure);
    for (const client of CLIENTS) {
      secure.reset(200, 503);
      const reply = await app.call(client, { url: `${secure.origin}/preset/1` });
      assert.equal(reply.status, 200, JSON.stringify(reply));
      assert.equal(secure.requests, 2);
    }
  });
});
