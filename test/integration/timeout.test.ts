import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { App, CLIENTS, type Client, codesOf, type Reply } from './support/app.ts';
import { type Act, ScriptedOrigin } from './support/scripted-origin.ts';

const CONFIG = `
policies:
  default: {}
  attempt: { timeout: { attempt: 150ms, total: 5s } }
  total: { timeout: { attempt: 150ms, total: 400ms }, retry: { max_retries: 10, backoff: { base: 1ms, max: 2ms }, budget: { min_per_second: 1000 } } }
  sse: { timeout: { attempt: 1s, total: 2s, idle: 1s } }
  idle: { timeout: { attempt: 1s, total: 2s, idle: 150ms } }
  long: { timeout: { attempt: 10s, total: 20s }, retry: { max_retries: 2, backoff: { base: 1ms, max: 2ms } } }
rules:
${['attempt', 'total', 'sse', 'idle', 'long'].map((name) => `  - { match: { url: "http://127.0.0.1:*/${name}/*" }, policy: ${name} }`).join('\n')}
`;

/** An event every second for `seconds` seconds. */
const eventStream =
  (seconds: number): Act =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    let sent = 0;
    const timer = setInterval(() => {
      response.write(`data: ${++sent}\n\n`);
      if (sent < seconds) return;
      clearInterval(timer);
      response.end();
    }, 1000);
  };

const stalling: Act = (_request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('beginning');
};

describe('timeouts, on the wire', () => {
  let app: App;
  let bare: App;
  const origins: ScriptedOrigin[] = [];

  before(async () => {
    [app, bare] = await Promise.all([App.start({ config: CONFIG }), App.start()]);
  });
  after(async () => {
    await Promise.all([app.end(), bare.end()]);
    await Promise.all(origins.map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });

  async function origin(act: Act): Promise<ScriptedOrigin> {
    const started = await ScriptedOrigin.start(act);
    origins.push(started);
    return started;
  }

  /** In the shape of the client: fetch wraps what happens before the head and while the body is read. */
  function assertOurs(client: Client, reply: Reply, scope: string): void {
    const [first, second] = reply.error ?? [];
    const ours = client === 'fetch' ? second : first;
    if (client === 'fetch') assert.equal(first?.name, 'TypeError', JSON.stringify(reply));
    assert.equal(ours?.code, 'ERR_RESILIENCE_TIMEOUT', JSON.stringify(reply));
    assert.equal(ours?.name, 'TimeoutError');
    assert.equal(ours?.scope, scope);
  }

  it('let an event stream of 5 s live, with every client', async () => {
    const replies = CLIENTS.map(async (client) => {
      const { origin: at } = await origin(eventStream(5));
      return [client, await app.call(client, { url: `${at}/sse/1` })] as const;
    });
    for (const [client, { status, text, error }] of await Promise.all(replies)) {
      assert.equal(error, undefined, `${client} ${JSON.stringify(error)}`);
      assert.equal(status, 200);
      assert.equal(text.match(/data: /g)?.length, 5);
    }
  });

  for (const client of CLIENTS) {
    describe(client, () => {
      it('end an attempt that gets no answer', async () => {
        const upstream = await origin('hang');
        assertOurs(client, await app.call(client, { url: `${upstream.origin}/attempt/1` }), 'attempt');
        assert.equal(upstream.requests, 1);
      });

      it('bound all attempts by the total, and the upstream sees them given up', async () => {
        const upstream = await origin('hang');
        const reply = await app.call(client, { url: `${upstream.origin}/total/1` });
        assert.ok(codesOf(reply).includes('ERR_RESILIENCE_TIMEOUT'), JSON.stringify(reply));
        assert.ok(upstream.requests >= 2 && upstream.requests <= 4, `${upstream.requests}`);
        while (upstream.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
      });

      it('end a body that stalls', async () => {
        const upstream = await origin(stalling);
        const reply = await app.call(client, { url: `${upstream.origin}/idle/1` });
        assert.equal(reply.status, 200);
        assert.equal(reply.text, 'beginning');
        assertOurs(client, reply, 'idle');
      });

      it('leave a body alone that takes longer than the total but never stalls', async () => {
        const upstream = await origin((_request, response) => {
          let sent = 0;
          const timer = setInterval(() => {
            response.write('x');
            if (++sent < 30) return;
            clearInterval(timer);
            response.end();
          }, 20);
        });
        const reply = await app.call(client, { url: `${upstream.origin}/total/1` });
        assert.equal(reply.text, 'x'.repeat(30), JSON.stringify(reply));
      });

      it('keep out of the way of a shorter limit of the app, and of its signal', async () => {
        const upstream = await origin('hang');
        const limits = client === 'fetch' ? [{ signalMs: 100 }] : [{ signalMs: 100 }, { timeoutMs: 100 }];
        for (const limit of limits) {
          const [ours, plain] = await Promise.all([
            app.call(client, { url: `${upstream.origin}/long/1`, ...limit }),
            bare.call(client, { url: `${upstream.origin}/long/1`, ...limit }),
          ]);
          const shape = (reply: Reply): unknown => reply.error?.map(({ name, code, message }) => [name, code, message]);
          assert.ok(plain.error !== undefined);
          // A limit of the client's own is a failure like any other: it is retried, and the last one is the app's.
          assert.deepEqual(shape(ours), shape(plain));
        }
      });
    });
  }
});
