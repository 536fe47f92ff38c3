import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { UpstreamSnapshot } from '../../src/engine/snapshot.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { AppUnderTest, FIXTURES } from './app-under-test.ts';
import { OURS, runApp } from './run-app.ts';

let upstream: Upstream;
before(async () => {
  upstream = await Upstream.start();
});
after(() => upstream.close());
beforeEach(() => {
  upstream.status = 200;
  upstream.reset();
});

/** Nobody listens there: the port was given back. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Of an app that exports all the while it makes its calls. */
const EXPORTING = {
  OTEL_RESILIENCE_PRESET: 'standard',
  OTEL_BSP_SCHEDULE_DELAY: '50',
  OTEL_BLRP_SCHEDULE_DELAY: '50',
  OTEL_METRIC_EXPORT_INTERVAL: '200',
  OTEL_METRIC_EXPORT_TIMEOUT: '200',
};

async function assertUnharmed(endpoint: string, protocol: string): Promise<void> {
  const { code, stdout } = await runApp('many-calls.cjs', {
    args: [upstream.url],
    env: { ...EXPORTING, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
  });
  assert.equal(code, 0);
  const { statuses, upstreams } = JSON.parse(stdout) as { statuses: number[]; upstreams: UpstreamSnapshot[] };
  assert.deepEqual([statuses, upstream.requests], [[200], 200]);
  assert.deepEqual(
    upstreams.map(({ upstream: name, retries, rejections, circuits }) => [
      name,
      retries,
      rejections,
      circuits[0]?.state,
    ]),
    [[upstream.url, {}, {}, 'closed']],
  );
}

describe('an app that exports', function () {
  this.timeout(60_000);

  for (const protocol of ['http/protobuf', 'http/json']) {
    it(`to a port that is closed, by ${protocol}, makes 200 calls as if nothing were`, async () => {
      await assertUnharmed(`http://127.0.0.1:${await closedPort()}`, protocol);
    });
  }

  for (const behaviour of ['hang', 'unavailable'] as const) {
    it(`to a collector that is there and ${behaviour === 'hang' ? 'hangs' : 'fails'} makes 200 calls`, async () => {
      const receiver = await OtlpReceiver.start();
      receiver.behaviour = behaviour;
      try {
        await assertUnharmed(receiver.url, 'http/json');
        assert.ok(receiver.requests > 0);
      } finally {
        await receiver.close();
      }
    });
  }
});

const TRIPS_AT_5 = { OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5' };

describe('a hook that throws', function () {
  this.timeout(60_000);

  it('as a listener of our events leaves the calls alone', async () => {
    upstream.status = 503;
    const { code, stdout, stderr } = await runApp('channel.cjs', { args: [upstream.url], env: TRIPS_AT_5 });
    assert.equal(
      stdout.trim(),
      '503 503 503 503 circuit_state_changed health_changed 503 call_rejected ERR_RESILIENCE_CIRCUIT_OPEN',
    );
    assert.equal(code, 0);
    assert.match(stderr, /^opentelemetry-instrumentation-resilience: .*of a listener/);
    assert.equal(stderr.trim().split('\n').length, 1);
  });

  it('as an SDK leaves the calls alone', async () => {
    upstream.status = 503;
    const preloads = [...OURS, '--require', path.join(FIXTURES, 'broken-sdk.cjs')];
    const { code, stdout, stderr } = await runApp('app.cjs', { preloads, args: ['fetch'], env: TRIPS_AT_5 });
    assert.deepEqual([code, stdout], [0, '']);
    assert.match(stderr, /of an SDK/);
    const app = new AppUnderTest({ client: 'mixed', env: TRIPS_AT_5, after: preloads.slice(2) });
    const outcomes = await app.call(upstream.url, 6);
    assert.deepEqual(outcomes.slice(0, 5), Array(5).fill(503));
    assert.match(String(outcomes[5]), /ERR_RESILIENCE_CIRCUIT_OPEN/);
    assert.equal(await app.end(), 0);
  });
});

describe('a configuration in error', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  function file(text: string): Record<string, string> {
    const name = path.join(folder, 'resilience.yaml');
    writeFileSync(name, text);
    return { OTEL_RESILIENCE_CONFIG_FILE: name };
  }
  const inPolicy = (text: string) => () => file(`policies:\n  default:\n    ${text}\n`);

  const ERRORS: ReadonlyArray<readonly [what: string, env: () => Record<string, string>, message: RegExp]> = [
    ['an unknown option', inPolicy('circuit_braker: {}'), /policies\.default\.circuit_braker .*circuit_breaker/],
    [
      'an unknown variable',
      () => ({ OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALL: '5' }),
      /MINIMUM_CALL .*MINIMUM_CALLS/,
    ],
    ['a wrong type', inPolicy('circuit_breaker: { minimum_calls: many }'), /minimum_calls .*"many"/],
    ['a value out of range', inPolicy('circuit_breaker: { failure_ratio: 7 }'), /failure_ratio .*7/],
    ['a file that does not parse', () => file('policies: [ {'), /resilience\.yaml/],
    [
      'a file that is missing',
      () => ({ OTEL_RESILIENCE_CONFIG_FILE: path.join(folder, 'none') }),
      /none .*ENOENT|not.*found/i,
    ],
    ['a folder for a file', () => ({ OTEL_RESILIENCE_CONFIG_FILE: folder }), /resilience-/],
    ['hostile keys', () => file('__proto__: { polluted: 1 }\nconstructor: 1\n'), /__proto__/],
  ];

  for (const [what, env, message] of ERRORS) {
    it(`such as ${what} leaves the app alone, with one clear diagnostic`, async () => {
      upstream.status = 503;
      const app = new AppUnderTest({ client: 'mixed', env: env() });
      assert.deepEqual(await app.call(upstream.url, 6), Array(6).fill(503));
      assert.equal(await app.end(), 0);
      assert.match(app.stderr, message);
      const lines = app.stderr.trim().split('\n');
      assert.ok(lines.length <= 3, app.stderr); // the last one may say how to check the file
      for (const line of lines) assert.match(line, /^opentelemetry-instrumentation-resilience: /);
    });
  }

  it('is told of by way of diag where a logger is set', async () => {
    const logger = ['--require', path.join(FIXTURES, 'own-logger.cjs')];
    for (const preloads of [
      [...OURS, ...logger],
      [...logger, ...OURS],
    ]) {
      const { code, stdout, stderr } = await runApp('manners.cjs', {
        preloads,
        args: ['idle'],
        env: { OTEL_RESILIENCE_CIRCUIT_BREAKER_FAILURE_RATIO: 'many' },
      });
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^warn opentelemetry-instrumentation-resilience OTEL_RESILIENCE_\S+ .*"many"/);
    }
  });
});
