import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'mocha';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { ALL_CLIENTS, App, type Ask, CLIENTS, codesOf } from './support/app.ts';
import { type Act, ScriptedOrigin } from './support/scripted-origin.ts';

const CONFIG = (backup: string): string => `
policies:
  default: {}
  hedged: { hedge: { delay: 60ms }, bulkhead: { max_concurrent: 100 } }
  put: { hedge: { delay: 60ms, methods: [PUT] } }
  retried: { hedge: { delay: 60ms }, retry: { max_retries: 1, backoff: { base: 1ms, max: 2ms } } }
  poor: { hedge: { delay: 60ms }, retry: { max_retries: 0, budget: { ratio: 0, min_per_second: 0 } } }
  timed: { hedge: { delay: 60ms }, timeout: { attempt: 400ms, total: 1s } }
  elsewhere: { hedge: { delay: 60ms, endpoints: true }, fallback: { endpoints: ["${backup}"] } }
rules:
${['hedged', 'put', 'retried', 'poor', 'timed', 'elsewhere'].map((name) => `  - { match: { url: "http://127.0.0.1:*/${name}/*" }, policy: ${name} }`).join('\n')}
`;

/** Answers so long after the request has come. */
function answering(ms: number, status = 200): Act {
  return (_request, response) => void setTimeout(() => response.writeHead(status).end('late'), ms);
}

describe('a hedged call, on the wire', () => {
  let app: App;
  let backup: ScriptedOrigin;
  const origins: ScriptedOrigin[] = [];

  before(async () => {
    backup = await ScriptedOrigin.start();
    app = await App.start({ config: CONFIG(backup.origin) });
  });
  after(async () => {
    await app.end();
    await Promise.all([backup, ...origins].map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });

  async function origin(...script: Act[]): Promise<ScriptedOrigin> {
    const started = await ScriptedOrigin.start();
    started.script = script;
    origins.push(started);
    return started;
  }

  /** Every attempt has ended on the wire, and nothing of the call is held any more. */
  async function atRest(upstream: ScriptedOrigin): Promise<void> {
    while (upstream.inFlight > 0) await once(upstream, 'left');
    await app.until(upstream.origin, ({ bulkhead }) => bulkhead === undefined || bulkhead.executing === 0);
  }

  interface Case {
    readonly name: string;
    readonly policy?: string;
    readonly ask?: Omit<Ask, 'url'>;
    readonly script: readonly Act[];
    readonly requests: number;
    readonly outcome: number | string;
    readonly hedges: Readonly<Record<string, number>>;
  }

  const PUT = { method: 'PUT', body: { kind: 'string', text: 'whole' } };
  const CASES: readonly Case[] = [
    {
      name: 'is answered by the hedge when the first attempt hangs',
      script: ['hang'],
      requests: 2,
      outcome: 200,
      hedges: { won: 1 },
    },
    {
      name: 'is answered by the first attempt when the hedge hangs',
      script: [answering(150), 'hang'],
      requests: 2,
      outcome: 200,
      hedges: { lost: 1 },
    },
    {
      name: 'goes on with the first attempt when the hedge fails',
      script: [answering(200), 503],
      requests: 2,
      outcome: 200,
      hedges: { failed: 1 },
    },
    {
      name: 'goes on with the first attempt when the hedge is reset',
      script: [answering(200), 'reset'],
      requests: 2,
      outcome: 200,
      hedges: { failed: 1 },
    },
    {
      name: 'goes on with the hedge when the first attempt fails',
      script: [answering(100, 503), answering(150)],
      requests: 2,
      outcome: 200,
      hedges: { won: 1 },
    },
    {
      name: 'fails as the last of its attempts did',
      script: [answering(150, 502), 503],
      requests: 2,
      outcome: 502,
      hedges: { failed: 1 },
    },
    {
      name: 'ends in the error of the last of its attempts',
      script: [(request) => void setTimeout(() => request.socket.resetAndDestroy(), 150), 503],
      requests: 2,
      outcome: 'reset',
      hedges: { failed: 1 },
    },
    {
      name: 'is retried when both have failed',
      policy: 'retried',
      script: [answering(100, 503), 503],
      requests: 3,
      outcome: 200,
      hedges: { failed: 1 },
    },
    { name: 'has one attempt when that is in time', script: [], requests: 1, outcome: 200, hedges: {} },
    {
      name: 'has one attempt when the budget is empty',
      policy: 'poor',
      script: [answering(150)],
      requests: 1,
      outcome: 200,
      hedges: {},
    },
    {
      name: 'has one attempt when it is a POST',
      ask: { ...PUT, method: 'POST' },
      script: [answering(150)],
      requests: 1,
      outcome: 200,
      hedges: {},
    },
    {
      name: 'works with HEAD',
      ask: { method: 'HEAD' },
      script: ['hang'],
      requests: 2,
      outcome: 200,
      hedges: { won: 1 },
    },
    {
      name: 'sends a body twice, whole',
      policy: 'put',
      ask: PUT,
      script: ['hang'],
      requests: 2,
      outcome: 200,
      hedges: { won: 1 },
    },
    {
      name: 'times out once when all hang',
      policy: 'timed',
      script: ['hang', 'hang'],
      requests: 2,
      outcome: 'ERR_RESILIENCE_TIMEOUT',
      hedges: { failed: 1 },
    },
  ];

  for (const client of ALL_CLIENTS) {
    describe(client, () => {
      for (const { name, policy = 'hedged', ask, script, requests, outcome, hedges } of CASES) {
        it(name, async () => {
          const upstream = await origin(...script);
          const reply = await app.call(client, { ...ask, url: `${upstream.origin}/${policy}/1` });
          if (outcome === 'reset')
            assert.ok(/ECONNRESET|UND_ERR_SOCKET/.test(codesOf(reply).join()), JSON.stringify(reply));
          else if (typeof outcome === 'string') assert.ok(codesOf(reply).includes(outcome), JSON.stringify(reply));
          else assert.equal(reply.status, outcome, JSON.stringify(reply));
          await atRest(upstream);
          assert.equal(upstream.requests, requests);
          assert.deepEqual((await app.upstream(upstream.origin)).hedges, hedges);
          assert.equal(new Set(upstream.hits.map(({ method, url, body }) => `${method} ${url} ${body}`)).size, 1);
        });
      }

      it('ends all its attempts when the app gives up', async () => {
        const upstream = await origin('hang', 'hang');
        const running = app.begin(client, { url: `${upstream.origin}/hedged/1` });
        await upstream.begun(2);
        running.abort();
        assert.ok((await running.reply).error !== undefined);
        await atRest(upstream);
        assert.equal(upstream.requests, 2);
      });

      it('goes to a fallback endpoint if it may, and says so', async () => {
        const upstream = await origin('hang');
        const reply = await app.call(client, { url: `${upstream.origin}/elsewhere/1` });
        assert.equal(reply.status, 200);
        assert.equal(reply.headers?.['resilience-source'], 'endpoint');
        await atRest(upstream);
      });
    });
  }

  for (const client of CLIENTS) {
    it(`takes the tail off 600 calls of ${client}, for a few requests more`, async () => {
      const upstream = await origin();
      let count = 0;
      // Two in a hundred never answer.
      upstream.act = (_request, response) => {
        if (++count % 50 !== 0) setTimeout(() => response.end('in time'), 5);
      };
      const replies = [];
      for (let i = 0; i < 30; i++) {
        replies.push(...(await app.burst(client, { url: `${upstream.origin}/hedged/1` }, 20)));
      }
      assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200]);
      await atRest(upstream);
      const { hedges, results } = await app.upstream(upstream.origin);
      // Of the hedges, too, one in fifty is not answered: then it is the first that is late.
      assert.ok((hedges.won ?? 0) >= 8, JSON.stringify(hedges));
      assert.equal(results.success, 600);
    });
  }
});

describe('a hedged call in traces', () => {
  for (const client of CLIENTS) {
    it(`shows both attempts of ${client} under one span of ours, which tells of the hedge`, async () => {
      const receiver = await OtlpReceiver.start();
      const upstream = await ScriptedOrigin.start();
      upstream.script = ['hang'];
      const env = { ...receiver.env, OTEL_RESILIENCE_SDK: 'on', OTEL_SERVICE_NAME: 'app' };
      const app = await App.start({ config: CONFIG(upstream.origin), env });
      try {
        const reply = await app.call(client, { url: `${upstream.origin}/hedged/1` });
        assert.equal(reply.status, 200);
        const { ours, clients } = await receiver.until('the spans of a call', () => {
          const span = receiver.spans.find(({ name }) => name.startsWith('resilience.execute'));
          const children = receiver.spans.filter((one) => one.kind === 'CLIENT' && one.parentSpanId === span?.spanId);
          return span !== undefined && children.length >= 2 && { ours: span, clients: children };
        });
        assert.equal(clients.length, 2);
        assert.deepEqual(
          ours.events.map(({ name }) => name),
          ['resilience.hedge.sent'],
        );
        const resends = clients.map(({ attributes }) => attributes['http.request.resend_count']);
        assert.deepEqual(
          resends.filter((resend) => resend !== undefined),
          [1],
        );
      } finally {
        await app.end();
        await upstream.stop();
        await receiver.close();
      }
    });
  }
});
