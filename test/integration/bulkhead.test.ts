import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http from 'node:http';
import { after, afterEach, before, describe, it } from 'mocha';
import { App, CLIENTS, codesOf, type Reply } from './support/app.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const CONFIG = `
policies:
  default: { bulkhead: { max_concurrent: 10, max_queue: 10, queue_timeout: 10s } }
  single: { bulkhead: { max_concurrent: 1, max_queue: 1, queue_timeout: 10s } }
  adaptive: { bulkhead: { max_concurrent: 9, adaptive: { initial: 4 } } }
  hasty: { bulkhead: { max_concurrent: 1, max_queue: 1, queue_timeout: 50ms } }
rules:
  - { match: { url: "http://127.0.0.1:*/adaptive/*" }, policy: adaptive }
  - { match: { url: "http://127.0.0.1:*/single/*" }, policy: single }
  - { match: { url: "http://127.0.0.1:*/hasty/*" }, policy: hasty }
`;

const failedWith =
  (code: string) =>
  (reply: Reply): boolean =>
    codesOf(reply).includes(code);

describe('bulkhead, on the wire', () => {
  let app: App;
  let upstream: ScriptedOrigin;
  let held: http.ServerResponse[];

  before(async () => {
    app = await App.start({ config: CONFIG });
  });
  after(() => app.end());
  afterEach(() => upstream.stop());

  /** An upstream that answers when it is told to. */
  async function holding(): Promise<ScriptedOrigin> {
    held = [];
    upstream = await ScriptedOrigin.start((_request, response) => held.push(response));
    return upstream;
  }

  const answerAll = (): void => {
    for (const response of held.splice(0)) response.end('done');
  };

  for (const client of CLIENTS) {
    describe(client, () => {
      it('has 10 of 50 calls in flight, rejects 30 at once and answers 20', async () => {
        const { origin } = await holding();
        upstream.on('hit', () => setImmediate(() => upstream.requests > 10 && answerAll()));
        const calls = app.burst(client, { url: `${origin}/` }, 50);
        await upstream.begun(10);
        const { bulkhead, rejections } = await app.upstream(origin);
        assert.deepEqual(bulkhead, { executing: 10, queued: 10, maxConcurrent: 10, maxQueue: 10 });
        assert.deepEqual(rejections, { bulkhead_full: 30 });
        assert.equal(upstream.requests, 10);
        answerAll();
        const replies = await calls;
        assert.equal(replies.filter(({ status }) => status === 200).length, 20);
        assert.equal(replies.filter(failedWith('ERR_RESILIENCE_BULKHEAD_FULL')).length, 30);
        assert.equal(upstream.highWater, 10);
        assert.equal(upstream.requests, 20);
      });

      it('refuses at the limit of now, where that adapts, and raises it as answers come', async () => {
        const { origin } = await holding();
        const url = `${origin}/adaptive/1`;
        const calls = app.burst(client, { url }, 7);
        await upstream.begun(4);
        const limits = { maxQueue: 0, adaptive: { min: 4, max: 9 } };
        const { bulkhead, rejections } = await app.upstream(origin);
        assert.deepEqual(bulkhead, { executing: 4, queued: 0, maxConcurrent: 4, ...limits });
        assert.deepEqual(rejections, { bulkhead_full: 3 });
        upstream.act = 200;
        answerAll();
        const replies = await calls;
        assert.equal(replies.filter(({ status }) => status === 200).length, 4);
        assert.equal(replies.filter(failedWith('ERR_RESILIENCE_BULKHEAD_FULL')).length, 3);
        let most = 4;
        while (most === 4) {
          await app.burst(client, { url }, 4);
          most = (await app.upstream(origin)).bulkhead?.maxConcurrent ?? 0;
        }
        assert.ok(most > 4 && most <= 9, `${most}`);
      });

      it('gives the place of an aborted call in the queue to another at once', async () => {
        const { origin } = await holding();
        const url = `${origin}/single/1`;
        const first = app.begin(client, { url });
        await upstream.begun(1);
        const queued = app.begin(client, { url });
        await app.until(origin, ({ bulkhead }) => bulkhead?.queued === 1);
        assert.ok(failedWith('ERR_RESILIENCE_BULKHEAD_FULL')(await app.call(client, { url })));
        queued.abort();
        const aborted = await queued.reply;
        assert.equal(aborted.error?.[0]?.name, 'AbortError', JSON.stringify(aborted));
        assert.equal((await app.upstream(origin)).bulkhead?.queued, 0);
        const next = app.begin(client, { url });
        await app.until(origin, ({ bulkhead }) => bulkhead?.queued === 1);
        answerAll();
        assert.equal((await first.reply).status, 200);
        while (held.length < 1) await once(upstream, 'hit');
        answerAll();
        assert.equal((await next.reply).status, 200);
        assert.equal(upstream.requests, 2);
        assert.equal((await app.upstream(origin)).bulkhead?.executing, 0);
      });

      it('frees the slot of an aborted call, and holds it as long as a body is being read', async () => {
        const { origin } = await holding();
        const url = `${origin}/single/1`;
        const first = app.begin(client, { url });
        await upstream.begun(1);
        first.abort();
        await first.reply;
        await app.until(origin, ({ bulkhead }) => bulkhead?.executing === 0);
        const second = app.begin(client, { url });
        while (held.length < 2) await once(upstream, 'hit');
        const head = once(second, 'head');
        held[1]?.write('begun');
        await head;
        assert.equal((await app.upstream(origin)).bulkhead?.executing, 1);
        held[1]?.end();
        assert.equal((await second.reply).text, 'begun');
        await app.until(origin, ({ bulkhead }) => bulkhead?.executing === 0);
      });

      it('leaves other upstreams alone when one is saturated', async () => {
        const { origin } = await holding();
        const other = await ScriptedOrigin.start();
        const blocked = app.burst(client, { url: `${origin}/` }, 20);
        await upstream.begun(10);
        const replies = await app.burst(client, { url: `${other.origin}/` }, 10);
        assert.deepEqual(
          replies.map(({ status }) => status),
          Array(10).fill(200),
        );
        upstream.on('hit', () => setImmediate(answerAll));
        answerAll();
        await blocked;
        await other.stop();
      });

      it('rejects what has waited for too long', async () => {
        const { origin } = await holding();
        const first = app.begin(client, { url: `${origin}/hasty/1` });
        await upstream.begun(1);
        const queued = await app.call(client, { url: `${origin}/hasty/1` });
        assert.ok(failedWith('ERR_RESILIENCE_BULKHEAD_TIMEOUT')(queued), JSON.stringify(queued));
        answerAll();
        assert.equal((await first.reply).status, 200);
        assert.equal(upstream.requests, 1);
      });

      it('sends a queued upload in full once it is its turn, and reads none of it before', async () => {
        const { origin } = await holding();
        const url = `${origin}/single/1`;
        const first = app.begin(client, { url });
        await upstream.begun(1);
        const body = { kind: 'stream', bytes: 1_000_000, count: 50 };
        const upload = app.begin(client, { url, method: 'POST', body });
        await app.until(origin, ({ bulkhead }) => bulkhead?.queued === 1);
        // Several rounds through the app: time enough for whoever would read.
        for (let i = 0; i < 5; i++) await app.call(client, { url });
        // Into node's own request a pipe puts as much as its buffer holds, with a socket or without; fetch tees a stream
        // that may have to be sent again on a redirect, which takes the first piece.
        const ahead = client === 'http.request' ? 8 : client === 'fetch' ? 1 : 0;
        assert.ok(upload.pulled <= ahead, `${upload.pulled} of 50 pieces`);
        answerAll();
        await first.reply;
        while (upstream.hits.length < 2) await once(upstream, 'hit');
        answerAll();
        assert.equal((await upload.reply).status, 200);
        assert.equal(upload.pulled, 50);
        assert.equal(upstream.hits[1]?.body.length, 1_000_000);
      });
    });
  }
});
