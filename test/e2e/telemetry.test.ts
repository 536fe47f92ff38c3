import assert from 'node:assert/strict';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { OtlpReceiver, type ReceivedLog, type ReceivedPoint, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { type AppOptions, AppUnderTest, FIXTURES } from './app-under-test.ts';

const CHANGE = 'resilience.circuit_breaker.state_change';
const OURS = 'resilience.execute default';
const CLIENTS = ['http.get', 'fetch', 'undici7.request'];
const ENV = {
  OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5',
  // Those of clouds look for them on the network.
  OTEL_NODE_RESOURCE_DETECTORS: 'none',
};

const setup = (name: string): string => path.join(FIXTURES, 'setup', name);
const required = (file: string): string[] => ['--require', file];
const AUTO = required('@opentelemetry/auto-instrumentations-node/register');

/** The ways in which an app comes to have both us and an SDK. */
const SETUPS: Record<string, Omit<AppOptions, 'client'>> = {
  'an SDK that we start': { env: { OTEL_RESILIENCE_SDK: 'on' } },
  'an SDK that we start, imported into an ES module': { loading: '--import', module: 'mjs' },
  'auto-instrumentations before us': { before: AUTO },
  'auto-instrumentations after us': { after: AUTO },
  'a NodeSDK with our instrumentation last': { loading: 'bare', before: required(setup('sdk-with-us-last.cjs')) },
  'a NodeSDK with our instrumentation first': { loading: 'bare', before: required(setup('sdk-with-us-first.cjs')) },
  registerInstrumentations: { loading: 'bare', before: required(setup('register-instrumentations.cjs')) },
  'an SDK and us started in the code of the app': {
    loading: 'bare',
    env: { APP_SETUP: setup('sdk-with-us-last.cjs') },
  },
  'an SDK started late, in the code of the app': { env: { OTEL_RESILIENCE_SDK: 'off', APP_SETUP: setup('sdk.cjs') } },
  'an SDK with the loader hook for ES modules': {
    loading: '--import',
    module: 'mjs',
    // Node 26 deprecates the way in which OpenTelemetry registers its hook.
    after: ['--no-deprecation', '--import', setup('sdk-with-loader.mjs')],
  },
};

let receiver: OtlpReceiver;
let upstream: Upstream;
let app: AppUnderTest | undefined;

beforeEach(async () => {
  receiver = await OtlpReceiver.start();
  upstream = await Upstream.start();
  upstream.status = 503;
});
afterEach(async () => {
  await app?.end();
  app = undefined;
  await upstream.close();
  await receiver.close();
});

function start(options: Omit<AppOptions, 'client'> = {}): AppUnderTest {
  app = new AppUnderTest({ client: 'http.get', ...options, env: { ...ENV, ...receiver.env, ...options.env } });
  return app;
}

async function end(running: AppUnderTest): Promise<void> {
  assert.equal(await running.end(), 0);
  assert.equal(running.stderr, '');
}

/** Trips the circuit with five calls and makes a sixth, which must open no connection. */
async function trip(running: AppUnderTest, how: { client?: string; span?: string } = {}, target = upstream) {
  target.status = 503;
  assert.deepEqual(await running.call(target.url, 5, how), Array(5).fill(503));
  target.dropConnections();
  const { connections } = target;
  const [refused] = await running.call(target.url, 1, how);
  assert.match(String(refused), /ERR_RESILIENCE_CIRCUIT_OPEN/);
  assert.deepEqual([target.requests, target.connections], [5, connections]);
}

const changes = (): ReceivedLog[] => receiver.logs.filter(({ eventName }) => eventName === CHANGE);
const clientSpans = (): ReceivedSpan[] => receiver.spans.filter(({ kind }) => kind === 'CLIENT');
const ours = (target = upstream): ReceivedSpan[] =>
  receiver.spans.filter(
    ({ name, attributes }) => name === OURS && attributes['resilience.upstream.name'] === target.url,
  );

/** Of the change to open after five failures out of five. */
const OPENED = (target: Upstream) => ({
  'resilience.policy.name': 'default',
  'resilience.upstream.name': target.url,
  'server.address': '127.0.0.1',
  'server.port': target.port,
  'http.request.method': 'GET',
  'resilience.circuit_breaker.name': target.url,
  'resilience.circuit_breaker.state': 'open',
  'resilience.circuit_breaker.previous_state': 'closed',
  'resilience.circuit_breaker.transition.reason': 'failure_ratio',
  'resilience.circuit_breaker.failure_ratio': 1,
});

/** What is to be received of a circuit that tripped and rejected, for calls in spans of the app. */
function assertTold(target: Upstream): void {
  const [tripped, rejected] = ours(target);
  assert.ok(tripped !== undefined && rejected !== undefined && ours(target).length === 2);
  assert.deepEqual([tripped.kind, tripped.status, rejected.status], ['INTERNAL', 'ERROR', 'ERROR']);
  // In the span of the app that made the call: ours, which says what happened, beside the attempt's.
  const [root, ...children] = receiver.tree(tripped.traceId);
  assert.deepEqual([root, children.sort()], ['INTERNAL caller', ['  CLIENT GET', `  INTERNAL ${OURS}`]]);
  assert.deepEqual(receiver.tree(rejected.traceId), ['INTERNAL caller', `  INTERNAL ${OURS}`]);
  const event = tripped.events.find(({ name }) => name === CHANGE);
  assert.deepEqual(event?.attributes, OPENED(target));
  assert.deepEqual(
    rejected.events.map(({ name }) => name),
    ['resilience.call.rejected'],
  );
  assert.equal(rejected.attributes['error.type'], 'circuit_open');
  const logs = changes().filter(({ traceId }) => traceId === tripped.traceId);
  assert.deepEqual([logs.length, logs[0]?.spanId, logs[0]?.severityNumber], [1, tripped.spanId, 13]);
  assert.deepEqual(logs[0]?.attributes, event?.attributes);
}

const of = (metric: string, target = upstream): ReceivedPoint[] =>
  receiver
    .series(metric)
    .filter(({ attributes }) =>
      [attributes['resilience.upstream.name'], attributes['resilience.circuit_breaker.name']].includes(target.url),
    );

/** A receiver of OTLP and an app, whose SDK may take a second to load and several on a busy machine. */
describe('OTLP of an app whose circuit trips', function () {
  this.timeout(60_000);

  for (const [name, options] of Object.entries(SETUPS)) {
    it(`tells of it in traces, logs and metrics, with ${name}`, async () => {
      const running = start(options);
      const targets: Upstream[] = [];
      try {
        for (const client of CLIENTS) {
          const target = await Upstream.start();
          targets.push(target);
          await trip(running, { client, span: 'caller' }, target);
        }
        await end(running);
        for (const target of targets) {
          assertTold(target);
          const counts = of('resilience.execution.duration', target).map(({ count }) => count);
          assert.deepEqual(counts.sort(), [1, 5]);
        }
        assert.equal(clientSpans().length, 5 * CLIENTS.length);
      } finally {
        for (const target of targets) await target.close();
      }
    });
  }

  it('links our span to that of the attempt when the app has no span of its own', async () => {
    const running = start();
    await trip(running);
    await end(running);
    const [tripped, rejected] = ours();
    assert.deepEqual(receiver.tree(tripped?.traceId ?? ''), [`INTERNAL ${OURS}`]);
    const attempt = receiver.spans.find(({ spanId }) => spanId === tripped?.links[0]);
    assert.deepEqual(receiver.tree(attempt?.traceId ?? ''), ['CLIENT GET']);
    assert.deepEqual(receiver.tree(rejected?.traceId ?? ''), [`INTERNAL ${OURS}`]);
  });

  it('holds every metric of a breaker, with its unit, kind, attributes and value', async () => {
    const running = start({ env: { OTEL_RESILIENCE_HEALTH_MINIMUM_CALLS: '5' } });
    await trip(running);
    await end(running);
    const [named, circuit] = [
      { 'resilience.policy.name': 'default', 'resilience.upstream.name': upstream.url },
      { 'resilience.policy.name': 'default', 'resilience.circuit_breaker.name': upstream.url },
    ];
    const state = (value: string) => ({ ...circuit, 'resilience.circuit_breaker.state': value });
    const health = (value: string) => ({
      'resilience.upstream.name': upstream.url,
      'resilience.upstream.state': value,
    });
    const gauge = { type: 'gauge', unit: '1', monotonic: undefined };
    const upDown = { type: 'sum', unit: '1', monotonic: false };
    const seen = (metric: string) =>
      of(metric).map(({ type, unit, monotonic, attributes, value }) => ({ type, unit, monotonic, attributes, value }));
    assert.deepEqual(seen('resilience.circuit_breaker.status'), [
      { ...upDown, attributes: state('closed'), value: 0 },
      { ...upDown, attributes: state('open'), value: 1 },
      { ...upDown, attributes: state('half_open'), value: 0 },
      { ...upDown, attributes: state('forced_open'), value: 0 },
      { ...upDown, attributes: state('forced_closed'), value: 0 },
    ]);
    const transition = {
      ...state('open'),
      'resilience.circuit_breaker.previous_state': 'closed',
      'resilience.circuit_breaker.transition.reason': 'failure_ratio',
    };
    assert.deepEqual(seen('resilience.circuit_breaker.transitions'), [
      { type: 'sum', unit: '{transition}', monotonic: true, attributes: transition, value: 1 },
    ]);
    assert.deepEqual(seen('resilience.circuit_breaker.failure_ratio'), [{ ...gauge, attributes: circuit, value: 1 }]);
    assert.deepEqual(seen('resilience.upstream.error_ratio'), [
      { ...gauge, attributes: { 'resilience.upstream.name': upstream.url }, value: 1 },
    ]);
    assert.deepEqual(seen('resilience.upstream.status'), [
      { ...upDown, attributes: health('healthy'), value: 0 },
      { ...upDown, attributes: health('unhealthy'), value: 1 },
    ]);
    assert.deepEqual(seen('resilience.rejections'), [
      {
        type: 'sum',
        unit: '{call}',
        monotonic: true,
        attributes: { ...named, 'resilience.rejection.reason': 'circuit_open' },
        value: 1,
      },
    ]);
    const durations = of('resilience.execution.duration');
    assert.deepEqual(
      durations.map(({ type, unit, attributes, count }) => ({ type, unit, attributes, count })),
      [
        {
          type: 'histogram',
          unit: 's',
          attributes: { ...named, 'resilience.outcome': 'failure', 'error.type': '503' },
          count: 5,
        },
        {
          type: 'histogram',
          unit: 's',
          attributes: { ...named, 'resilience.outcome': 'rejected', 'error.type': 'circuit_open' },
          count: 1,
        },
      ],
    );
    const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];
    for (const point of durations) assert.deepEqual(point.bounds, bounds);
  });

  for (const [signal, eventsOnSpans, logs] of [
    ['span', 3, []],
    ['logs', 0, ['resilience.call.rejected', CHANGE, 'resilience.upstream.health_change']],
  ] as const) {
    it(`has events where OTEL_RESILIENCE_EVENT_SIGNAL=${signal} wants them`, async () => {
      const running = start({ env: { OTEL_RESILIENCE_EVENT_SIGNAL: signal } });
      await trip(running);
      await end(running);
      assert.equal(ours().flatMap(({ events }) => events).length, eventsOnSpans);
      assert.deepEqual(receiver.logs.map(({ eventName }) => eventName).sort(), logs);
    });
  }

  for (const [variable, value] of [
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_RESILIENCE_SDK', 'off'],
  ] as const) {
    it(`receives nothing of it with ${variable}=${value}`, async () => {
      const running = start({ env: { [variable]: value } });
      await trip(running);
      await end(running);
      assert.equal(receiver.requests, 0);
    });
  }
});
