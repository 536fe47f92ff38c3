import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { ALL_CLIENTS, App, type Ask, CLIENTS, type Client, codesOf } from './support/app.ts';
import { type Act, closedPort, ScriptedOrigin } from './support/scripted-origin.ts';

const QUICK = 'backoff: { base: 1ms, max: 2ms }';
const CONFIG = `
policies:
  default: {}
  free: { retry: { max_retries: 2, ${QUICK}, budget: { min_per_second: 1000 } } }
  small: { retry: { max_retries: 2, ${QUICK}, max_replay_bytes: 1000, budget: { min_per_second: 1000 } } }
  timed: { timeout: { attempt: 150ms, total: 5s }, retry: { max_retries: 2, ${QUICK}, budget: { min_per_second: 1000 } } }
  budgeted: { retry: { max_retries: 2, ${QUICK} } }
  paced: { timeout: { total: 3s }, retry: { max_retries: 2, ${QUICK}, budget: { min_per_second: 1000 } } }
rules:
${['free', 'small', 'timed', 'budgeted', 'paced'].map((name) => `  - { match: { url: "http://127.0.0.1:*/${name}/*" }, policy: ${name} }`).join('\n')}
`;

interface Case {
  readonly name: string;
  readonly policy?: string;
  readonly ask?: Omit<Ask, 'url'>;
  readonly script: readonly Act[];
  readonly requests: number;
  /** A status, or the code of the error. */
  readonly outcome: number | string;
}

const KEY = { 'idempotency-key': '1' };
const POST = { method: 'POST', body: { kind: 'string', text: 'abc' } };

const CASES: readonly Case[] = [
  { name: 'a 503 is tried again', script: [503], requests: 2, outcome: 200 },
  { name: 'a reset is tried again', script: ['reset', 'reset'], requests: 3, outcome: 200 },
  { name: 'a 408 is tried again', script: [408], requests: 2, outcome: 200 },
  { name: 'HEAD is tried again', ask: { method: 'HEAD' }, script: [502], requests: 2, outcome: 200 },
  { name: 'a 404 is not tried again', script: [404], requests: 1, outcome: 404 },
  { name: 'a 501 is not tried again', script: [501], requests: 1, outcome: 501 },
  { name: 'a 429 is not tried again', script: [429], requests: 1, outcome: 429 },
  {
    name: "the last response is the app's when all tries failed",
    script: [500, 'reset', 502],
    requests: 3,
    outcome: 502,
  },
  {
    name: "the last error is the app's when all tries failed",
    script: [500, 502, 'reset'],
    requests: 3,
    outcome: 'reset',
  },
  {
    name: 'a silent upstream is tried again after the attempt timeout',
    policy: 'timed',
    script: ['hang'],
    requests: 2,
    outcome: 200,
  },
  { name: 'POST is sent once', ask: POST, script: [503], requests: 1, outcome: 503 },
  { name: 'POST is sent once, even if it was reset', ask: POST, script: ['reset'], requests: 1, outcome: 'reset' },
  {
    name: 'PUT, DELETE and PATCH are sent once',
    ask: { ...POST, method: 'PATCH' },
    script: [503],
    requests: 1,
    outcome: 503,
  },
  {
    name: 'POST with an Idempotency-Key is sent again',
    ask: { ...POST, headers: KEY },
    script: [503, 'reset'],
    requests: 3,
    outcome: 200,
  },
  {
    name: 'a body over the limit is sent once',
    policy: 'small',
    ask: { method: 'POST', headers: KEY, body: { kind: 'string', bytes: 1001 } },
    script: [503],
    requests: 1,
    outcome: 503,
  },
  {
    name: 'a streamed body over the limit is sent once',
    policy: 'small',
    ask: { method: 'POST', headers: KEY, body: { kind: 'stream', bytes: 5000 } },
    script: [503],
    requests: 1,
    outcome: 503,
  },
  {
    name: 'a body at the limit is sent again',
    policy: 'small',
    ask: { method: 'POST', headers: KEY, body: { kind: 'buffer', bytes: 1000 } },
    script: [503],
    requests: 2,
    outcome: 200,
  },
];

const RESET = ['ECONNRESET', 'UND_ERR_SOCKET'];

let app: App;
const origins: ScriptedOrigin[] = [];

async function origin(...script: Act[]): Promise<ScriptedOrigin> {
  const started = await ScriptedOrigin.start();
  started.script = script;
  origins.push(started);
  return started;
}

describe('retry, on the wire', () => {
  before(async () => {
    app = await App.start({ config: CONFIG });
  });
  after(async () => {
    await app.end();
    await Promise.all(origins.map((each) => each.stop()));
    assert.equal(app.stderr, '');
  });

  for (const client of ALL_CLIENTS) {
    describe(client, () => {
      for (const { name, policy = 'free', ask, script, requests, outcome } of CASES) {
        it(name, async () => {
          const upstream = await origin(...script);
          const reply = await app.call(client, { ...ask, url: `${upstream.origin}/${policy}/1` });
          if (outcome === 'reset')
            assert.ok(
              codesOf(reply).some((code) => RESET.includes(code)),
              JSON.stringify(reply),
            );
          else assert.equal(reply.status, outcome, JSON.stringify(reply));
          assert.equal(upstream.requests, requests);
          const bodies = new Set(upstream.hits.map(({ method, url, body }) => `${method} ${url} ${body}`));
          assert.equal(bodies.size, upstream.hits.length === 0 ? 0 : 1);
        });
      }
    });
  }
});

const KINDS: Record<Client, readonly string[]> = {
  'http.request': ['string', 'buffer', 'writes', 'stream'],
  fetch: ['string', 'buffer', 'stream', 'iterable', 'form', 'blob', 'params'],
  'undici6.request': ['string', 'buffer', 'stream', 'iterable', 'form', 'blob'],
  'undici7.request': ['string', 'buffer', 'stream', 'iterable', 'form', 'blob'],
  axios: ['string', 'buffer', 'stream', 'form', 'params'],
  got: ['string', 'buffer', 'stream', 'iterable', 'form'],
};

describe('a request body that is sent again', () => {
  before(async () => {
    app = await App.start({ config: CONFIG });
  });
  after(async () => {
    await app.end();
  });

  for (const client of ALL_CLIENTS) {
    for (const kind of KINDS[client]) {
      it(`is the same for ${client} with a body of kind ${kind}`, async () => {
        const text = 'ä body, in several pieces';
        const upstream = await origin(503, 'reset');
        const ask = { url: `${upstream.origin}/free/1`, method: 'POST', headers: KEY, body: { kind, text } };
        const reply = await app.call(client, ask);
        assert.equal(reply.status, 200, JSON.stringify(reply));
        assert.equal(upstream.hits.length, 3);
        // undici makes up a boundary each time it writes a form.
        const bodies = upstream.hits.map(({ body }) => body.replaceAll(/formdata-undici-\d+/g, 'boundary'));
        const types = upstream.hits.map(({ headers }) => headers['content-type']?.replace(/-undici-\d+/, ''));
        const sent = Buffer.from(bodies[0] ?? '', 'latin1').toString();
        assert.ok(kind === 'params' ? new URLSearchParams(sent).get('field') === text : sent.includes(text), sent);
        assert.equal(new Set(bodies).size, 1);
        assert.equal(new Set(types).size, 1);
      });
    }
  }
});

describe('retries under an outage', () => {
  before(async () => {
    app = await App.start({ config: CONFIG });
  });
  after(async () => {
    await app.end();
  });

  for (const client of CLIENTS) {
    it(`add at most a quarter to 300 calls of ${client}, with 2 retries configured`, async () => {
      const upstream = await origin();
      upstream.act = 503;
      const replies = [];
      for (let i = 0; i < 10; i++) {
        replies.push(...(await app.burst(client, { url: `${upstream.origin}/budgeted/1` }, 30)));
      }
      assert.deepEqual([...new Set(replies.map(({ status }) => status))], [503]);
      assert.ok(upstream.requests > 300, `${upstream.requests}`);
      assert.ok(upstream.requests <= 375, `${upstream.requests}`);
    });
  }

  for (const [client, appRetries] of [
    ...CLIENTS.map((name) => [name, 3] as const),
    ['axios', 3],
    ['got', 3],
  ] as const) {
    it(`stay bounded when the app tries three times more itself, with ${client}`, async () => {
      const upstream = await origin();
      upstream.act = 503;
      const replies = [];
      for (let i = 0; i < 3; i++) {
        replies.push(...(await app.burst(client, { url: `${upstream.origin}/budgeted/1`, appRetries }, 20)));
      }
      assert.deepEqual([...new Set(replies.map(({ status }) => status))], [503]);
      // 240 calls as we see them, not the 720 attempts that the product of both layers would make.
      assert.ok(upstream.requests > 240, `${upstream.requests}`);
      assert.ok(upstream.requests <= 300, `${upstream.requests}`);
    });
  }
});

describe('a request that provably never left', () => {
  before(async () => {
    app = await App.start({ config: CONFIG });
  });
  after(async () => {
    await app.end();
  });

  for (const client of ALL_CLIENTS) {
    it(`is tried again whatever its method, by ${client}`, async () => {
      const port = await closedPort();
      const reply = await app.call(client, { ...POST, url: `http://127.0.0.1:${port}/free/1` });
      assert.ok(codesOf(reply).includes('ECONNREFUSED'), JSON.stringify(reply));
      const { retries } = await app.upstream(`http://127.0.0.1:${port}`);
      assert.deepEqual(retries, { connection_error: 2 });
    });
  }

  for (const client of ALL_CLIENTS) {
    it(`and an upstream that asks for a pause gets it, by ${client}`, async () => {
      const pause =
        (value: string): Act =>
        (_request, response) =>
          response.writeHead(503, { 'retry-after': value }).end();
      const upstream = await origin(pause('1'));
      const begun = performance.now();
      const reply = await app.call(client, { url: `${upstream.origin}/paced/1` });
      assert.equal(reply.status, 200);
      assert.ok(performance.now() - begun >= 999);
      // Longer than the call has left: the app gets the response that says so, now.
      upstream.reset(200, pause('4'));
      const told = await app.call(client, { url: `${upstream.origin}/paced/1` });
      assert.equal(told.status, 503);
      assert.equal(upstream.requests, 1);
    });
  }
});
