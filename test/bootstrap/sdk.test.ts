import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { showsIntent } from '../../src/bootstrap/sdk.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { cleanEnv, finish, runFixture, startFixture } from '../telemetry/child.ts';

/** A start of Node with an SDK takes a second, and several times that on a busy machine. */
const CHILD_TIMEOUT_MS = 60_000;

describe('Signs that telemetry is wanted', () => {
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://localhost:4318'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://localhost:4318'],
    ['OTEL_TRACES_EXPORTER', 'console'],
    ['OTEL_LOGS_EXPORTER', 'otlp'],
    ['OTEL_CONFIG_FILE', 'otel.yaml'],
    ['OTEL_SERVICE_NAME', 'shop'],
  ] as const) {
    it(`include ${name}=${value}`, () => assert.equal(showsIntent({ [name]: value }), true));
  }
  for (const [name, value] of [
    ['OTEL_TRACES_EXPORTER', 'none'],
    ['OTEL_SERVICE_NAME', ''],
    ['OTEL_RESILIENCE_MODE', 'observe'],
    ['OTEL_LOG_LEVEL', 'debug'],
  ] as const) {
    it(`don't include ${name}=${value}`, () => assert.equal(showsIntent({ [name]: value }), false));
  }
});

describe('Joining or starting an SDK', function () {
  this.timeout(CHILD_TIMEOUT_MS);
  let receiver: OtlpReceiver;

  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
  });
  afterEach(() => receiver.close());

  it('starts none without a sign that telemetry is wanted', async () => {
    const { code, stdout, stderr } = await runFixture('sdk-app', ['auto']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^none no_intent false/);
  });

  it('starts none when switched off, by us or by OpenTelemetry', async () => {
    assert.match((await runFixture('sdk-app', ['off'], receiver.env)).stdout, /^none off false/);
    const disabled = { ...receiver.env, OTEL_SDK_DISABLED: 'True' };
    assert.match((await runFixture('sdk-app', ['on'], disabled)).stdout, /^none disabled false/);
  });

  it('joins one that is there', async () => {
    const { stdout } = await runFixture('sdk-app', ['on', 'own-sdk'], receiver.env);
    assert.match(stdout, /^joined true/);
    assert.equal(receiver.requests, 0);
  });

  it('joins one that has all its exporters off', async () => {
    const none = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const { stdout } = await runFixture('sdk-app', ['on', 'silent-sdk'], { ...receiver.env, ...none });
    assert.match(stdout, /^joined true/);
  });

  it('starts one that exports spans, logs and metrics, flushed when the app ends by itself', async () => {
    const env = { ...receiver.env, OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_METRIC_EXPORT_INTERVAL: '60000' };
    const { code, stdout, stderr } = await runFixture('sdk-app', ['auto', 'change'], env);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^started true/);
    const span = receiver.spans.find(({ name }) => name === 'resilience.execute users');
    assert.equal(span?.kind, 'INTERNAL');
    assert.equal(span?.scope, 'opentelemetry-instrumentation-resilience');
    const log = receiver.logs.find(({ eventName }) => eventName === 'resilience.circuit_breaker.state_change');
    assert.deepEqual([log?.traceId, log?.spanId], [span?.traceId, span?.spanId]);
    assert.equal(log?.body, 'circuit breaker user-service: closed -> open (failure_ratio)');
    const [duration] = receiver.series('resilience.execution.duration');
    assert.deepEqual([duration?.count, duration?.unit], [1, 's']);
    assert.equal(receiver.series('resilience.circuit_breaker.transitions')[0]?.value, 1);
  });

  it('says what to install when there is no SDK to start, and lets the app run', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'resilience-'));
    const build = path.join(__dirname, '../..');
    try {
      await cp(path.join(build, 'src'), path.join(folder, 'src'), { recursive: true });
      const fixtures = path.join(folder, 'test/telemetry/fixtures');
      await cp(path.join(build, 'test/telemetry/fixtures'), fixtures, { recursive: true });
      await mkdir(path.join(folder, 'node_modules/@opentelemetry'), { recursive: true });
      const api = path.join(build, '../node_modules/@opentelemetry/api');
      await symlink(api, path.join(folder, 'node_modules/@opentelemetry/api'));
      const app = spawn(process.execPath, [path.join(fixtures, 'sdk-app.js'), 'on', 'change'], {
        cwd: folder,
        env: cleanEnv(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const { code, stdout, stderr } = await finish(app);
      assert.equal(code, 0);
      assert.match(stdout, /^none missing false/);
      assert.equal(stderr.trim().split('\n').length, 1);
      const [command = ''] = /npm install .*/.exec(stderr) ?? [];
      const readme = await readFile(path.join(build, '../README.md'), 'utf8');
      assert.ok(readme.split('\n').includes(command), `README's quick start does not have: ${command}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves no variable of its own behind', async () => {
    assert.match((await runFixture('sdk-app', ['auto'], receiver.env)).stdout, /^0 variables/m);
  });

  it('marks resent attempts, and only those, through both instrumentations', async () => {
    const { code, stderr } = await runFixture('sdk-app', ['on', 'calls'], receiver.env);
    assert.deepEqual([code, stderr], [0, '']);
    const ours = receiver.spans.filter(({ name }) => name === 'resilience.execute users');
    assert.equal(ours.length, 2);
    for (const [pathOf, scope] of [
      ['/http', 'http'],
      ['/fetch', 'undici'],
    ] as const) {
      const clients = receiver.spans.filter(({ kind }) => kind === 'CLIENT');
      const attempts = clients.filter(({ attributes }) => String(attributes['url.full']).endsWith(pathOf));
      assert.deepEqual(
        attempts.map(({ attributes }) => attributes['http.request.resend_count']),
        [undefined, 1, 2],
        pathOf,
      );
      for (const attempt of attempts) {
        assert.equal(attempt.scope, `@opentelemetry/instrumentation-${scope}`);
        assert.ok(ours.some(({ spanId, traceId }) => spanId === attempt.parentSpanId && traceId === attempt.traceId));
      }
    }
    const own = receiver.spans.filter(
      ({ kind, attributes }) => kind === 'CLIENT' && /\/own$/.test(`${attributes['url.full']}`),
    );
    assert.equal(own.length, 6);
    assert.ok(own.every(({ attributes }) => attributes['http.request.resend_count'] === undefined));
  });

  it('takes its configuration from OTEL_CONFIG_FILE', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'resilience-'));
    const file = path.join(folder, 'otel.yaml');
    const exporter = (signal: string) =>
      `{ exporter: { otlp_http: { endpoint: "${receiver.url}/v1/${signal}", encoding: json } } }`;
    writeFileSync(
      file,
      `file_format: "1.0"
tracer_provider: { processors: [ { batch: ${exporter('traces')} } ] }
meter_provider: { readers: [ { periodic: ${exporter('metrics')} } ] }
logger_provider: { processors: [ { batch: ${exporter('logs')} } ] }
`,
    );
    try {
      const { code, stdout, stderr } = await runFixture('sdk-app', ['auto', 'calls'], { OTEL_CONFIG_FILE: file });
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^started true/);
      assert.equal(receiver.spans.filter(({ kind }) => kind === 'CLIENT').length, 12);
      assert.ok(receiver.series('http.client.request.duration').length > 0, 'the instrumentations have no meter');
      assert.ok(receiver.series('resilience.execution.duration').length > 0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('An app whose SDK is ours', function () {
  this.timeout(CHILD_TIMEOUT_MS);
  let receiver: OtlpReceiver;

  before(async () => {
    receiver = await OtlpReceiver.start();
  });
  after(() => receiver.close());
  afterEach(() => {
    receiver.behaviour = 'accept';
    receiver.spans.length = 0;
  });

  it('keeps its exit code', async () => {
    assert.equal((await runFixture('sdk-app', ['on', 'exit-code'], receiver.env)).code, 3);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`flushes on ${signal} and dies of it`, async () => {
      const env = { ...receiver.env, OTEL_BSP_SCHEDULE_DELAY: '60000' };
      const child = startFixture('sdk-app', ['on', 'stay'], env);
      await ready(child.stdout);
      child.kill(signal);
      assert.equal((await finish(child)).signal, signal);
      assert.equal(receiver.spans.filter(({ name }) => name === 'resilience.execute users').length, 1);
    });
  }

  it('decides itself about a signal that it listens to', async () => {
    const child = startFixture('sdk-app', ['on', 'listener'], receiver.env);
    await ready(child.stdout);
    child.kill('SIGTERM');
    assert.equal((await finish(child)).code, 7);
  });

  it('dies of a signal that another listener re-raises only when it finds itself alone', async () => {
    const child = startFixture('sdk-app', ['on', 're-raise'], receiver.env);
    await ready(child.stdout);
    child.kill('SIGTERM');
    assert.equal((await finish(child)).signal, 'SIGTERM');
  });

  it('is flushed in a worker thread too', async () => {
    const { code, stderr } = await runFixture('worker-app', ['on', 'change'], receiver.env);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(receiver.spans.filter(({ name }) => name === 'resilience.execute users').length, 1);
  });

  it('dies at once of a second signal', async () => {
    receiver.behaviour = 'hang';
    const env = { ...receiver.env, OTEL_BSP_SCHEDULE_DELAY: '60000' };
    const child = startFixture('sdk-app', ['on', 'stay'], env);
    await ready(child.stdout);
    const before = receiver.requests;
    const asked = receiver.until('an export', () => receiver.requests > before);
    child.kill('SIGTERM');
    await asked;
    child.kill('SIGTERM');
    assert.equal((await finish(child)).signal, 'SIGTERM');
  });

  /** The app's own limit, far beyond the patience of any test: what ends the process is the deadline of the flush. */
  const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: '600000', OTEL_METRIC_EXPORT_INTERVAL: '600000' };

  it('ends unharmed while the collector leaves it waiting for an answer', async () => {
    receiver.behaviour = 'hang';
    const { code, signal } = await runFixture('sdk-app', ['on', 'change'], { ...receiver.env, ...patient });
    assert.deepEqual([code, signal], [0, null]);
  });

  it('ends unharmed before the SDK has run out of retries to a collector that refuses', async () => {
    receiver.behaviour = 'unavailable';
    const before = receiver.requests;
    const { code } = await runFixture('sdk-app', ['on', 'change'], { ...receiver.env, ...patient });
    assert.equal(code, 0);
    const made = receiver.requests - before;
    assert.ok(made >= 3 && made <= 9, `${made}`); // three signals, which the SDK alone would send six times each
  });

  it('is not held by the retries of an export that was under way', async () => {
    receiver.behaviour = 'unavailable';
    const before = receiver.requests;
    const env = { ...receiver.env, OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const child = startFixture('sdk-app', ['on', 'until-told'], env);
    await receiver.until('an export', () => receiver.requests > before);
    child.kill('SIGUSR2');
    assert.equal((await finish(child)).code, 0);
    const made = receiver.requests - before;
    assert.ok(made <= 3, `${made}`); // within 2 s there is time for one or two retries, in the SDK's own 10 s for four
  });

  it('ends unharmed when nothing listens where the collector should', async () => {
    const env = { ...receiver.env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    const { code, stdout } = await runFixture('sdk-app', ['on', 'change'], env);
    assert.equal(code, 0);
    assert.match(stdout, /^started true/);
  });
});

async function ready(stdout: NodeJS.ReadableStream | null): Promise<void> {
  let seen = '';
  while (stdout !== null && !seen.includes('ready\n')) seen += (await once(stdout, 'data'))[0];
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
