import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { App, CLIENTS, codesOf } from './support/app.ts';
import { type Act, ScriptedOrigin } from './support/scripted-origin.ts';

const CONFIG = `
policies:
  default: {}
  burst: { rate_limiter: { permits: 5, interval: 1h } }
  wait: { rate_limiter: { permits: 20, interval: 1s, burst: 1, max_wait: 5s } }
  gate: { rate_limiter: { permits: 1000, interval: 1s } }
  capped: { rate_limiter: { permits: 1000, interval: 1s, max_retry_after: 100ms } }
rules:
${['burst', 'wait', 'gate', 'capped'].map((name) => `  - { match: { url: "http://127.0.0.1:*/${name}/*" }, policy: ${name} }`).join('\n')}
`;
const LIMITED = 'ERR_RESILIENCE_RATE_LIMITED';

const throttling =
  (status: number, retryAfter: string): Act =>
  (_request, response) =>
    response.writeHead(status, { 'retry-after': retryAfter }).end();

describe('rate limiter, on the wire', () => {
  let app: App;
  const origins: ScriptedOrigin[] = [];

  before(async () => {
    app = await App.start({ config: CONFIG });
  });
  after(async () => {
    await app.end();
    await Promise.all(origins.map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });

  async function origin(...script: Act[]): Promise<ScriptedOrigin> {
    const started = await ScriptedOrigin.start();
    started.script = script;
    origins.push(started);
    return started;
  }

  for (const client of CLIENTS) {
    describe(client, () => {
      it('admits the burst, and no more', async () => {
        const upstream = await origin();
        const replies = await app.burst(client, { url: `${upstream.origin}/burst/1` }, 8);
        assert.equal(replies.filter(({ status }) => status === 200).length, 5);
        assert.equal(replies.filter((reply) => codesOf(reply).includes(LIMITED)).length, 3, JSON.stringify(replies));
        assert.equal(upstream.requests, 5);
      });

      it('lets calls wait for their permits', async () => {
        const upstream = await origin();
        const begun = performance.now();
        const replies = await app.burst(client, { url: `${upstream.origin}/wait/1` }, 5);
        assert.deepEqual(
          replies.map(({ status }) => status),
          Array(5).fill(200),
        );
        // Four of them wait for a permit, of which there are 20 a second.
        assert.ok(performance.now() - begun >= 195, `${performance.now() - begun}`);
      });

      it('lets an aborted call wait no longer', async () => {
        const upstream = await origin();
        const url = `${upstream.origin}/wait/1`;
        await app.call(client, { url });
        const waiting = app.begin(client, { url });
        waiting.abort();
        assert.equal((await waiting.reply).error?.[0]?.name, 'AbortError');
        assert.equal(upstream.requests, 1);
      });

      for (const [form, value] of [
        ['seconds', () => '20'],
        ['a date', () => new Date(Date.now() + 20_000).toUTCString()],
      ] as const) {
        for (const status of [429, 503]) {
          it(`holds calls back for as long as a ${status} asks for, given as ${form}`, async () => {
            const upstream = await origin(throttling(status, value()));
            const url = `${upstream.origin}/gate/1`;
            assert.equal((await app.call(client, { url })).status, status);
            const reply = await app.call(client, { url });
            assert.ok(codesOf(reply).includes(LIMITED), JSON.stringify(reply));
            assert.equal(upstream.requests, 1);
          });
        }
      }

      it('cuts a pause that is longer than the policy allows', async () => {
        const upstream = await origin(throttling(429, '3600'));
        const url = `${upstream.origin}/capped/1`;
        await app.call(client, { url });
        let rejected = 0;
        while ((await app.call(client, { url })).status !== 200) rejected++;
        assert.ok(rejected > 0);
        assert.equal(upstream.requests, 2);
      });
    });
  }
});
