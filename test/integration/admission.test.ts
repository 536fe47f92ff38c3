import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { App, CLIENTS, type Client, codesOf, type Reply } from './support/app.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const PATHS = ['spared', 'answered', 'retried'] as const;
const ADMISSION = 'admission: { max_rejection: 1 }';
const POLICIES = `
policies:
  default: {}
  spared: { ${ADMISSION} }
  answered: { ${ADMISSION}, fallback: { response: { status: 200, body: instead } } }
  retried: { ${ADMISSION}, retry: { max_retries: 1, backoff: { base: 1ms, max: 1ms } } }
rules:
${PATHS.map((name) => `  - { match: { url: "http://127.0.0.1:*/${name}/*" }, policy: ${name} }`).join('\n')}
`;
const REFUSED = 'ERR_RESILIENCE_ADMISSION';

describe('admission, on the wire', () => {
  let app: App;
  let observer: App;
  const origins: ScriptedOrigin[] = [];

  before(async () => {
    app = await App.start({ config: POLICIES });
    observer = await App.start({ config: `mode: observe\n${POLICIES}` });
  });
  after(async () => {
    await app.end();
    await observer.end();
    await Promise.all(origins.map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });

  async function origin(): Promise<ScriptedOrigin> {
    const started = await ScriptedOrigin.start(503);
    origins.push(started);
    return started;
  }

  /** Calls until one is refused: chance decides when that is, soon. */
  async function refusal(client: Client, url: string): Promise<Reply> {
    for (;;) {
      const reply = await app.call(client, { url });
      if (reply.status !== 503) return reply;
    }
  }

  for (const client of CLIENTS) {
    describe(client, () => {
      it('refuses calls to an upstream that accepts none, without sending them', async () => {
        const upstream = await origin();
        const refused = await refusal(client, `${upstream.origin}/spared/1`);
        assert.ok(codesOf(refused).includes(REFUSED), JSON.stringify(refused));
        const { rejections, results, admission } = await app.upstream(upstream.origin);
        assert.deepEqual(rejections, { admission: 1 });
        assert.equal(results.rejected, 1);
        assert.equal(upstream.requests, results.failure);
        assert.ok((admission?.probability ?? 0) > 0);
      });

      it('lets a fallback answer for what it refuses', async () => {
        const upstream = await origin();
        const url = `${upstream.origin}/answered/1`;
        let sent = -1;
        while (sent < upstream.requests) {
          sent = upstream.requests;
          const { status, text, headers } = await app.call(client, { url });
          assert.deepEqual([status, text, headers?.['resilience-source']], [200, 'instead', 'degraded']);
        }
        assert.equal((await app.upstream(upstream.origin)).rejections.admission, 1);
      });

      it('does not have its refusals retried', async () => {
        const upstream = await origin();
        await refusal(client, `${upstream.origin}/retried/1`);
        const { rejections, results, retries } = await app.upstream(upstream.origin);
        assert.deepEqual([rejections.admission, results.rejected], [1, 1]);
        assert.equal(upstream.requests, results.failure + (retries.status_code ?? 0));
      });

      it('sends every call in observe mode, and tells which it would have refused', async () => {
        const upstream = await origin();
        const replies = await Promise.all(
          Array.from({ length: 5 }, () => observer.call(client, { url: `${upstream.origin}/spared/1` })),
        );
        while (((await observer.upstream(upstream.origin)).rejections.admission ?? 0) === 0) {
          replies.push(await observer.call(client, { url: `${upstream.origin}/spared/1` }));
        }
        assert.ok(replies.every(({ status }) => status === 503));
        assert.equal(upstream.requests, replies.length);
      });
    });
  }
});
