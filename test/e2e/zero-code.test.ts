import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import { Upstream } from '../support/upstream.ts';
import { type AppOptions, AppUnderTest } from './app-under-test.ts';

const QUICK = {
  OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '200ms',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_JITTER: '0',
};
const OPEN = 'CircuitOpenError/ERR_RESILIENCE_CIRCUIT_OPEN';
/** fetch wraps its errors; every other client passes ours on, some wrapped in an error of their own with our code. */
const rejected = (outcome: number | string | undefined): boolean =>
  typeof outcome === 'string' && outcome.includes('ERR_RESILIENCE_CIRCUIT_OPEN');

const NODE = Number(process.versions.node.split('.')[0]);
const UNDICI = ['undici5', 'undici6', 'undici7', ...(NODE >= 22 ? ['undici8'] : [])];
const CLIENTS = [
  'http.request',
  'http.get',
  'https.request',
  'fetch',
  ...UNDICI.flatMap((copy) => [`${copy}.request`, `${copy}.stream`, `${copy}.fetch`]),
  'axios',
  'got',
];

let upstream: Upstream;
let secure: Upstream;
let app: AppUnderTest | undefined;

function start(options: AppOptions): AppUnderTest {
  app = new AppUnderTest({ ...options, env: { ...QUICK, ...options.env } });
  return app;
}

before(async () => {
  upstream = await Upstream.start();
  secure = await Upstream.start(true);
});
after(async () => {
  await upstream.close();
  await secure.close();
});
afterEach(async () => {
  await app?.end();
  app = undefined;
});

/** Longer than the open time of `QUICK`, which is what is being waited for. */
const openTimeOver = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));

describe('an unmodified app under --require', () => {
  for (const client of CLIENTS) {
    it(`has a circuit that trips, probes and closes for ${client}`, async () => {
      const target = client.startsWith('https') ? secure : upstream;
      const running = start({ client });
      target.status = 503;
      target.reset();
      const failing = await running.call(target.url, 7);
      assert.deepEqual(failing.slice(0, 5), [503, 503, 503, 503, 503]);
      assert.ok(failing.slice(5).every(rejected), JSON.stringify(failing));
      assert.equal(target.requests, 5);

      await openTimeOver();
      target.status = 200;
      target.delayMs = 20;
      target.reset();
      const probing = await running.call(target.url, 50, true);
      assert.equal(probing.filter((outcome) => outcome === 200).length, 1);
      assert.equal(target.requests, 1);
      assert.deepEqual(await running.call(target.url, 2), [200, 200]);
      const closed = await running.call(target.url, 10, true);
      assert.deepEqual(closed, Array(10).fill(200));
      target.delayMs = 0;
    });
  }

  it('gets our error as the cause of `TypeError: fetch failed`, and bare from node:http', async () => {
    upstream.status = 503;
    assert.equal((await start({ client: 'fetch' }).call(upstream.url, 6))[5], `TypeError/fetch failed < ${OPEN}`);
    await app?.end();
    assert.equal((await start({ client: 'http.get' }).call(upstream.url, 6))[5], OPEN);
  });

  it('has its circuit open again, and for longer, after a failed probe', async () => {
    const running = start({ client: 'fetch' });
    upstream.status = 503;
    await running.call(upstream.url, 5);
    await openTimeOver();
    upstream.reset();
    assert.equal((await running.call(upstream.url, 1))[0], 503);
    await openTimeOver();
    assert.ok(rejected((await running.call(upstream.url, 1))[0]));
    assert.equal(upstream.requests, 1);
    await openTimeOver();
    assert.equal((await running.call(upstream.url, 1))[0], 503);
  });

  it('shares one circuit between http and fetch, and none between two ports', async () => {
    const other = await Upstream.start();
    const running = start({ client: 'mixed' });
    upstream.status = 503;
    upstream.reset();
    const outcomes = await running.call(upstream.url, 6);
    assert.ok(rejected(outcomes[5]));
    assert.equal(upstream.requests, 5);
    assert.deepEqual(await running.call(other.url, 2), [200, 200]);
    await other.close();
  });
});

describe('however it is loaded', () => {
  for (const module of ['cjs', 'mjs'] as const) {
    for (const loading of ['--require', '--import', 'NODE_OPTIONS'] as const) {
      for (const client of ['http.get', 'http.request', 'fetch', 'undici6.request']) {
        it(`covers ${client} of a ${module} app by ${loading}`, async () => {
          upstream.status = 503;
          upstream.reset();
          const outcomes = await start({ client, module, loading }).call(upstream.url, 6);
          assert.ok(rejected(outcomes[5]), JSON.stringify(outcomes));
          assert.equal(upstream.requests, 5);
        });
      }
    }
  }

  it('counts once when it is loaded twice', async () => {
    upstream.status = 503;
    const loading = ['--import', require.resolve('../../src/register.js')];
    const outcomes = await start({ client: 'http.get', before: loading }).call(upstream.url, 6);
    assert.deepEqual(outcomes.slice(0, 5), [503, 503, 503, 503, 503]);
    assert.equal(outcomes[5], OPEN);
  });
});

describe('an app that is not to be protected', () => {
  it('sees every failure of its upstream in observe mode', async () => {
    upstream.status = 503;
    const outcomes = await start({ client: 'mixed', env: { OTEL_RESILIENCE_MODE: 'observe' } }).call(upstream.url, 20);
    assert.deepEqual(outcomes, Array(20).fill(503));
  });

  it('sees every failure of its upstream when we are disabled', async () => {
    upstream.status = 503;
    const outcomes = await start({ client: 'mixed', env: { OTEL_RESILIENCE_ENABLED: 'false' } }).call(upstream.url, 20);
    assert.deepEqual(outcomes, Array(20).fill(503));
  });

  it('runs on with one clear diagnostic when its configuration is in error', async () => {
    upstream.status = 503;
    const running = start({ client: 'http.get', env: { OTEL_RESILIENCE_CIRCUIT_BREAKER_FAILURE_RATIO: 'many' } });
    const outcomes = await running.call(upstream.url, 20);
    await running.end();
    assert.deepEqual(outcomes, Array(20).fill(503));
    assert.match(running.stderr, /OTEL_RESILIENCE_CIRCUIT_BREAKER_FAILURE_RATIO.*"many"/);
    assert.ok(running.stderr.trim().split('\n').length <= 3, running.stderr);
  });
});

describe('the process', () => {
  it('ends by itself, with the same exit code, whether or not calls were made', async () => {
    upstream.status = 200;
    const running = start({ client: 'mixed' });
    assert.deepEqual(await running.call(upstream.url, 2), [200, 200]);
    assert.equal(await running.end(), 0);
  });
});
