import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { after, afterEach, beforeEach, describe, it } from 'mocha';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';
import { RETRY_DEFAULTS } from '../../../src/strategies/retry/options.ts';
import { type Ask, allEntryPoints, causeOf, type EntryPoint, type Reply } from './support/entry-points.ts';
import { patched, type Setup } from './support/patched.ts';
import { Degrade, Divert, Ponder, Queue, Retry, turns } from './support/strategies.ts';
import { type Act, Upstream } from './support/upstream.ts';

const TRIPS_AT_ONE = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
const RECORDING = { retry: { ...RETRY_DEFAULTS, maxReplayBytes: 64 } };

interface Bench {
  readonly point: EntryPoint;
  readonly upstream: Upstream;
  send(ask?: Ask): Promise<Reply>;
  /** What a whole call comes to, body and all. */
  outcome(ask?: Ask): Promise<{ status?: number; text?: string; error?: ReturnType<typeof causeOf> }>;
}

interface Case {
  readonly title: string;
  readonly script?: readonly Act[];
  applies?(point: EntryPoint): boolean;
  run(bench: Bench): Promise<void>;
}

const notRetryAgent = (point: EntryPoint): boolean => !point.name.endsWith('RetryAgent');
const isFetch = (point: EntryPoint): boolean => point.fetch;
/** Whoever can have the head before the body has ended. */
const isEarly = (point: EntryPoint): boolean => point.early && notRetryAgent(point);

function isAbort(error: ReturnType<typeof causeOf> | undefined): boolean {
  return error?.name === 'AbortError' || error?.code === 'UND_ERR_ABORTED' || error?.code === 'ABORT_ERR';
}

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

function use(setup: Setup): void {
  patched.use(setup);
}

const cases: Case[] = [
  {
    title: 'sees a call once and ends it with its body',
    async run({ send }) {
      use({});
      const reply = await send({ headers: { 'x-a': '1' } });
      assert.equal(reply.status, 200);
      assert.equal(await reply.text(), 'hit 1');
      assert.equal(patched.listener.started.length, 1);
      assert.equal(patched.listener.ended.length, 1);
      assert.equal(patched.listener.ended[0]?.call.result, 'success');
      assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.counted, 1);
    },
  },
  {
    title: 'rejects with an open circuit, without a connection',
    script: [500],
    async run({ upstream, outcome, send, point }) {
      use({ policy: { circuitBreaker: TRIPS_AT_ONE } });
      await outcome();
      const connections = upstream.connections;
      await assert.rejects(send(), (error: Error) => {
        assert.equal(causeOf(error, point).code, 'ERR_RESILIENCE_CIRCUIT_OPEN');
        if (point.fetch) assert.equal(error.message, 'fetch failed');
        return true;
      });
      assert.equal(upstream.hits.length, 1);
      assert.equal(upstream.connections, connections);
    },
  },
  {
    title: 'rejects a call without reading its body',
    script: [500],
    // fetch and pipeline read a chunk ahead by themselves.
    applies: (point) => !point.fetch && !point.pipeline,
    async run({ upstream, outcome }) {
      use({ policy: { circuitBreaker: TRIPS_AT_ONE } });
      await outcome();
      let read = false;
      async function* body(): AsyncGenerator<Uint8Array> {
        read = true;
        yield Buffer.from('x');
      }
      const { error } = await outcome({ method: 'POST', body: body() });
      assert.equal(error?.code, 'ERR_RESILIENCE_CIRCUIT_OPEN');
      assert.equal(upstream.hits.length, 1);
      assert.equal(read, false);
    },
  },
  {
    title: 'counts a refused connection',
    async run({ point }) {
      use({ policy: { circuitBreaker: TRIPS_AT_ONE } });
      const gone = await Upstream.start();
      await gone.stop();
      const first = await point.send(gone.origin).catch((error: unknown) => causeOf(error, point));
      assert.equal('code' in first ? first.code : undefined, 'ECONNREFUSED');
      const second = await point.send(gone.origin).catch((error: unknown) => causeOf(error, point));
      assert.equal('code' in second ? second.code : undefined, 'ERR_RESILIENCE_CIRCUIT_OPEN');
    },
  },
  {
    title: 'counts a body that dies on the way',
    script: ['die mid-body'],
    async run({ outcome }) {
      use({});
      const { error } = await outcome();
      assert.ok(error !== undefined);
      assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.failures, 1);
      assert.equal(patched.listener.ended[0]?.call.result, 'failure');
    },
  },
  {
    title: 'retries a status',
    script: [503, 503, 200],
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(2)] });
      assert.deepEqual(await outcome(), { status: 200, text: 'hit 3' });
      assert.equal(upstream.hits.length, 3);
      assert.deepEqual(patched.listener.attempts, [1, 2, 3]);
    },
  },
  {
    title: 'retries a reset connection, back-off and all',
    script: ['reset', 200],
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(1, 5)] });
      assert.deepEqual(await outcome(), { status: 200, text: 'hit 2' });
      assert.equal(upstream.hits.length, 2);
    },
  },
  {
    title: 'delivers the last real response when retries are exhausted',
    script: [503],
    applies: notRetryAgent,
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(2)] });
      assert.deepEqual(await outcome(), { status: 503, text: 'hit 3' });
      assert.equal(upstream.hits.length, 3);
      assert.equal(patched.listener.ended.length, 1);
    },
  },
  {
    title: 'reuses the connection of a discarded response',
    script: [503, 200],
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(1, 1)] });
      await outcome();
      await outcome();
      assert.ok(upstream.connections <= 2, `${upstream.connections} connections`);
    },
  },
  {
    title: 'cuts off a discarded response that is too long to drain',
    script: [
      (_request, response) => {
        response.on('error', () => {});
        response.writeHead(503, { 'content-length': String(10 * 1024 * 1024) });
        response.write('begin');
      },
      200,
    ],
    async run({ outcome }) {
      use({ recoveries: [new Retry(1)] });
      assert.deepEqual(await outcome(), { status: 200, text: 'hit 2' });
    },
  },
  {
    title: 'sends a string again',
    script: [503, 200],
    async run({ upstream, outcome }) {
      use({ policy: RECORDING, recoveries: [new Retry(1)] });
      assert.equal((await outcome({ method: 'POST', body: 'héllo' })).status, 200);
      assert.deepEqual(
        upstream.hits.map((hit) => hit.body),
        ['héllo', 'héllo'],
      );
    },
  },
  {
    title: 'sends a recorded stream again',
    script: [503, 'reset', 200],
    async run({ upstream, outcome }) {
      use({ policy: RECORDING, recoveries: [new Retry(2)] });
      assert.equal((await outcome({ method: 'POST', body: chunks('ab', 'cd') })).status, 200);
      assert.deepEqual(
        upstream.hits.map((hit) => hit.body),
        ['abcd', 'abcd', 'abcd'],
      );
    },
  },
  {
    title: 'sends a body over the limit once',
    script: [503],
    applies: notRetryAgent,
    async run({ upstream, outcome }) {
      use({ policy: RECORDING, recoveries: [new Retry(1)] });
      const long = 'x'.repeat(40);
      assert.equal((await outcome({ method: 'POST', body: chunks(long, long) })).status, 503);
      assert.equal((await outcome({ method: 'POST', body: long + long })).status, 503);
      assert.deepEqual(
        upstream.hits.map((hit) => hit.body),
        [long + long, long + long],
      );
    },
  },
  {
    title: 'sends a form again',
    script: [503, 200],
    applies: (point) => point.FormData !== undefined,
    async run({ point, upstream, outcome }) {
      use({ policy: { retry: { ...RETRY_DEFAULTS, maxReplayBytes: 4096 } }, recoveries: [new Retry(1)] });
      const form = new (point.FormData as typeof FormData)();
      form.append('a', '1');
      form.append('f', new Blob(['xyz']), 'n.txt');
      assert.equal((await outcome({ method: 'POST', body: form })).status, 200);
      assert.equal(upstream.hits.length, 2);
      assert.equal(upstream.hits[0]?.body, upstream.hits[1]?.body);
      assert.match(upstream.hits[1]?.body ?? '', /xyz/);
    },
  },
  {
    title: 'sends a body again that was never begun, whatever its length',
    async run({ point }) {
      const gone = await Upstream.start();
      await gone.stop();
      const backup = await Upstream.start(200);
      use({ policy: RECORDING, recoveries: [new Divert(backup)], only: gone.origin });
      const reply = await point.send(gone.origin, { method: 'POST', body: chunks('x'.repeat(100), 'y') });
      assert.equal(await reply.text(), 'hit 1');
      assert.equal(backup.hits[0]?.body, `${'x'.repeat(100)}y`);
      await point.close();
      await backup.stop();
    },
  },
  {
    title: 'releases a held response as if nothing had happened',
    script: [
      (_request, response) => {
        response.writeHead(503, 'No Way', { 'x-big': 'yes' });
        response.end('z'.repeat(300_000));
      },
    ],
    applies: notRetryAgent,
    async run({ send }) {
      const ponder = new Ponder();
      use({ recoveries: [ponder] });
      const pending = send();
      const settle = await ponder.next();
      await turns();
      settle(undefined);
      const reply = await pending;
      assert.equal(reply.status, 503);
      assert.equal(reply.header('x-big'), 'yes');
      assert.equal((await reply.text()).length, 300_000);
      assert.equal(patched.listener.ended.length, 1);
    },
  },
  {
    title: 'releases a held error',
    script: ['reset'],
    async run({ outcome }) {
      const ponder = new Ponder();
      use({ recoveries: [ponder] });
      const pending = outcome();
      (await ponder.next())(undefined);
      const { error } = await pending;
      assert.ok(error?.code === 'UND_ERR_SOCKET' || error?.code === 'ECONNRESET', String(error?.code));
    },
  },
  {
    title: 'replaces a held response by a substitute',
    script: [503],
    async run({ send }) {
      use({ recoveries: [new Degrade({ status: 203, text: 'instead' })] });
      const reply = await send({ method: 'POST', body: 'request' });
      assert.equal(reply.status, 203);
      assert.equal(reply.header('resilience-source'), 'degraded');
      assert.equal(await reply.text(), 'instead');
      assert.equal(patched.listener.ended[0]?.call.result, 'fallback');
    },
  },
  {
    title: 'answers an open circuit with a substitute, without a connection',
    script: ['reset'],
    async run({ upstream, outcome }) {
      use({ policy: { circuitBreaker: TRIPS_AT_ONE }, recoveries: [new Degrade({ text: 'x'.repeat(200_000) })] });
      assert.equal((await outcome()).text?.length, 200_000);
      assert.equal((await outcome({ method: 'POST', body: chunks('a', 'b') })).text?.length, 200_000);
      assert.equal(upstream.hits.length, 1);
    },
  },
  {
    title: 'leaves the content coding of a substitute as it is given',
    script: [503],
    async run({ point, outcome }) {
      const headers = [['content-encoding', 'gzip']] as const;
      use({ recoveries: [new Degrade({ headers, body: gzipSync('zipped') })] });
      const { text = '' } = await outcome();
      assert.equal(point.fetch ? text : gunzipSync(Buffer.from(text, 'latin1')).toString(), 'zipped');
    },
  },
  {
    title: 'gives no body where a substitute has none: HEAD, 204, 304',
    script: [503],
    applies: notRetryAgent,
    async run({ outcome }) {
      use({ recoveries: [new Degrade({ text: 'never seen' })] });
      assert.deepEqual(await outcome({ method: 'HEAD' }), { status: 200, text: '' });
      for (const status of [204, 304]) {
        use({ recoveries: [new Degrade({ status, text: 'never seen' })] });
        assert.deepEqual(await outcome(), { status, text: '' });
      }
    },
  },
  {
    title: 'diverts to an endpoint: its path, its host, no credentials, a mark',
    script: [503],
    async run({ point, upstream }) {
      const backup = await Upstream.start(200);
      use({ policy: RECORDING, recoveries: [new Divert(backup, { basePath: '/base' })], only: upstream.origin });
      const reply = await point.send(upstream.origin, {
        path: '/a?q=1',
        method: 'PUT',
        body: 'again',
        headers: { authorization: 'secret', cookie: 'c=1', 'x-kept': 'yes' },
      });
      assert.equal(await reply.text(), 'hit 1');
      assert.equal(reply.header('resilience-source'), 'endpoint');
      assert.equal(upstream.hits[0]?.headers.authorization, 'secret');
      const [hit] = backup.hits;
      assert.equal(hit?.url, '/base/a?q=1');
      assert.equal(hit?.method, 'PUT');
      assert.equal(hit?.body, 'again');
      assert.equal(hit?.headers.host, new URL(backup.origin).host);
      assert.equal(hit?.headers.authorization, undefined);
      assert.equal(hit?.headers.cookie, undefined);
      assert.equal(hit?.headers['x-kept'], 'yes');
      await point.close();
      await backup.stop();
    },
  },
  {
    title: 'forwards credentials to an endpoint that is to have them',
    script: [503],
    async run({ point, upstream }) {
      const backup = await Upstream.start(200);
      use({ recoveries: [new Divert(backup, { forwardCredentials: true })], only: upstream.origin });
      await (await point.send(upstream.origin, { headers: { authorization: 'secret' } })).text();
      assert.equal(backup.hits[0]?.headers.authorization, 'secret');
      await point.close();
      await backup.stop();
    },
  },
  {
    title: 'sends a queued call when its turn comes',
    async run({ upstream, outcome }) {
      const queue = new Queue();
      use({ guards: [queue] });
      const pending = outcome({ method: 'POST', body: chunks('late', 'r') });
      await turns();
      assert.equal(upstream.connections, 0);
      assert.equal(queue.length, 1);
      queue.admit();
      assert.deepEqual(await pending, { status: 200, text: 'hit 1' });
      assert.equal(upstream.hits[0]?.body, 'later');
      assert.equal(queue.verdicts.length, 1);
    },
  },
  {
    title: 'gives up the place of a queued call whose caller aborts',
    async run({ upstream, outcome }) {
      const queue = new Queue();
      use({ guards: [queue] });
      const controller = new AbortController();
      const pending = outcome({ signal: controller.signal });
      await turns();
      controller.abort();
      assert.ok(isAbort((await pending).error));
      assert.equal(queue.cancelled, 1);
      await turns();
      assert.equal(upstream.connections, 0);
      assert.equal(patched.listener.ended.length, 1);
    },
  },
  {
    title: 'ends a call in its back-off when the caller aborts',
    script: [503],
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(1, 60_000)] });
      const controller = new AbortController();
      const pending = outcome({ signal: controller.signal });
      while (patched.listener.events.length === 0) await turns(1);
      controller.abort();
      assert.ok(isAbort((await pending).error));
      assert.equal(upstream.hits.length, 1);
      assert.equal(patched.listener.ended.length, 1);
    },
  },
  {
    title: 'ends a call in its back-off after an error when the caller aborts',
    script: ['reset'],
    async run({ outcome }) {
      use({ recoveries: [new Retry(1, 60_000)] });
      const controller = new AbortController();
      const pending = outcome({ signal: controller.signal });
      while (patched.listener.events.length === 0) await turns(1);
      controller.abort();
      assert.ok(isAbort((await pending).error));
      assert.equal(patched.listener.ended.length, 1);
    },
  },
  ...[[], [new Retry(1)]].map(
    (recoveries): Case => ({
      title: `counts no abort of the caller against the upstream (${recoveries.length === 0 ? 'pass' : 'armed'})`,
      script: ['hang'],
      async run({ upstream, outcome }) {
        use({ recoveries });
        const controller = new AbortController();
        const pending = outcome({ signal: controller.signal });
        await upstream.arrival();
        controller.abort();
        assert.ok(isAbort((await pending).error));
        assert.equal(patched.listener.ended.length, 1);
        assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.counted, 0);
      },
    }),
  ),
  {
    title: 'ends the second attempt when the caller aborts',
    script: [503, 'hang'],
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(1)] });
      const controller = new AbortController();
      const pending = outcome({ signal: controller.signal });
      await upstream.arrival();
      await upstream.arrival();
      controller.abort();
      assert.ok(isAbort((await pending).error));
      assert.equal(patched.listener.ended.length, 1);
    },
  },
  {
    title: 'lets a caller leave a body, which is no failure',
    script: ['stall mid-body'],
    applies: (point) => point.early,
    async run({ send }) {
      for (const recoveries of [[], [new Retry(1)]]) {
        use({ recoveries });
        const controller = new AbortController();
        const reply = await send({ signal: controller.signal });
        const text = reply.text();
        controller.abort();
        await assert.rejects(text);
        assert.equal(patched.listener.ended.length, 1);
        assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.failures, 0);
      }
    },
  },
  {
    title: 'makes no attempt for a caller that had aborted before',
    // Undici 5 destroys its pipeline before it is returned, and what then comes of it is Node's affair.
    applies: (point) => point.name !== 'undici 5 pipeline',
    async run({ upstream, outcome }) {
      const queue = new Queue();
      use({ guards: [queue] });
      assert.ok(isAbort((await outcome({ signal: AbortSignal.abort() })).error));
      await turns();
      assert.equal(upstream.connections, 0);
      assert.equal(patched.listener.started.length, patched.listener.ended.length);
    },
  },
  {
    title: 'cancels an attempt at its time limit, and tells the app so',
    script: ['hang'],
    async run({ outcome }) {
      use({ policy: { timeout: { attemptMs: 30, totalMs: undefined, idleMs: undefined } } });
      const { error } = await outcome();
      assert.equal(error?.code, 'ERR_RESILIENCE_TIMEOUT');
      assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.failures, 1);
    },
  },
  {
    title: 'retries an attempt that ran out of time',
    script: ['hang', 200],
    async run({ upstream, outcome }) {
      const recoveries = [new Retry(9)];
      use({ policy: { ...RECORDING, timeout: { attemptMs: 50, totalMs: undefined, idleMs: undefined } }, recoveries });
      assert.equal((await outcome({ method: 'POST', body: 'b' })).status, 200);
      assert.ok(upstream.hits.length > 1);
      assert.ok(upstream.hits.every((hit) => hit.body === 'b'));
    },
  },
  {
    title: 'kills a body that stalls',
    script: ['stall mid-body'],
    async run({ outcome }) {
      use({ policy: { timeout: { attemptMs: undefined, totalMs: undefined, idleMs: 30 } } });
      const { error } = await outcome();
      assert.ok(error !== undefined);
      assert.equal(patched.engine?.snapshots()[0]?.circuits[0]?.failures, 1);
    },
  },
  {
    title: 'leaves a call alone that bypasses',
    async run({ outcome }) {
      use({});
      patched.bypassed = true;
      assert.equal((await outcome()).status, 200);
      assert.equal(patched.listener.started.length, 0);
    },
  },
  {
    title: 'sees every hop of a redirect that fetch follows',
    script: [
      (_request, response) => {
        response.writeHead(302, { location: '/there' });
        response.end();
      },
      200,
    ],
    applies: isFetch,
    async run({ upstream, outcome }) {
      use({ recoveries: [new Retry(1)] });
      assert.equal((await outcome()).status, 200);
      assert.deepEqual(
        upstream.hits.map((hit) => hit.url),
        ['/', '/there'],
      );
      assert.equal(patched.listener.ended.length, 2);
    },
  },
  {
    title: 'keeps backpressure and content of a long body',
    script: [
      (_request, response) => {
        response.end('y'.repeat(2_000_000));
      },
    ],
    applies: isEarly,
    async run({ send }) {
      for (const recoveries of [[], [new Retry(1)]]) {
        use({ recoveries });
        const reply = await send();
        await turns(20);
        assert.equal(patched.listener.ended.length, 0);
        assert.equal((await reply.text()).length, 2_000_000);
        assert.equal(patched.listener.ended.length, 1);
      }
    },
  },
];

describe('undici under the engine', () => {
  after(() => patched.reset());

  for (const point of allEntryPoints()) {
    describe(point.name, () => {
      let upstream: Upstream | undefined;
      beforeEach(() => patched.reset());
      afterEach(async () => {
        await point.close();
        await upstream?.stop();
        upstream = undefined;
      });

      for (const { title, script = [200], applies, run } of cases) {
        if (applies !== undefined && !applies(point)) continue;
        it(title, async () => {
          const running = await Upstream.start(...script);
          upstream = running;
          const send = (ask?: Ask): Promise<Reply> => point.send(running.origin, ask);
          const outcome: Bench['outcome'] = async (ask) => {
            try {
              const reply = await send(ask);
              return { status: reply.status, text: await reply.text() };
            } catch (error) {
              return { error: causeOf(error, point) };
            }
          };
          await run({ point, upstream: running, send, outcome });
          assert.deepEqual(patched.reports, []);
        });
      }
    });
  }
});
