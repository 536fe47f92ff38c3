import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { NODE_MAJOR } from '../interception/undici/support/undici-module.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Gateway } from './gateway.ts';

const CLIENTS = [
  'http.request',
  'http.get',
  'fetch',
  'axios',
  'got',
  'undici5.request',
  'undici6.request',
  'undici7.request',
];
if (NODE_MAJOR >= 22) CLIENTS.push('undici8.request');

/** Opens at the first failure, and logs what it does. */
const QUICK = {
  OTEL_RESILIENCE_LOG: 'json',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_CONSECUTIVE_FAILURES: '1',
  OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '5m',
};
const FORWARD = { OTEL_RESILIENCE_REQUEST_ID_HEADER: 'X-Request-ID' };

describe('request ids and the JSON log, in an app that knows nothing of them', function () {
  this.timeout(60_000);
  let upstream: http.Server;
  let url: string;
  let status = 200;
  /** The request id that each request to the upstream had. */
  let ids: Array<string | undefined> = [];
  let gateway: Gateway | undefined;

  before(async () => {
    upstream = http.createServer((request, response) => {
      ids.push(request.headers['x-request-id'] as string | undefined);
      response.writeHead(status).end();
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  });
  after(async () => {
    upstream.close();
    upstream.closeAllConnections();
    await once(upstream, 'close');
  });
  beforeEach(() => {
    status = 200;
    ids = [];
  });
  afterEach(async () => {
    await gateway?.end();
    gateway = undefined;
  });

  async function start(client: string, env: Record<string, string>): Promise<Gateway> {
    gateway = await Gateway.start(client, { UPSTREAM: url, ...env });
    return gateway;
  }

  for (const client of CLIENTS) {
    it(`hands the id of the incoming request on with ${client}, and none where there is none`, async () => {
      const app = await start(client, FORWARD);
      await app.ask({ 'x-request-id': 'a' });
      await app.ask();
      await Promise.all(['b', 'c'].map((id) => app.ask({ 'X-Request-Id': id })));
      assert.deepEqual(ids.slice(0, 2), ['a', undefined]);
      assert.deepEqual(ids.slice(2).toSorted(), ['b', 'c']);
      assert.equal(await app.end(), 0);
      assert.equal(app.stderr, '');
    });

    it(`writes the id of the incoming request with what happens to calls of ${client}`, async () => {
      status = 503;
      const app = await start(client, { ...QUICK });
      await app.ask({ 'x-request-id': 'opens' });
      await app.ask({ 'x-request-id': 'rejected' });
      await app.ask();
      await app.end();
      assert.deepEqual(ids, [undefined]);
      assert.deepEqual(
        app.log.map(({ event, request_id }) => [event, request_id]),
        [
          ['resilience.started', undefined],
          ['resilience.circuit_breaker.state_change', 'opens'],
          ['resilience.upstream.health_change', 'opens'],
          ['resilience.call.rejected', 'rejected'],
          ['resilience.call.rejected', undefined],
        ],
      );
    });
  }

  it('adds the id to the attempts of a call that is repeated', async () => {
    status = 503;
    const app = await start('fetch', { ...FORWARD, OTEL_RESILIENCE_RETRY: 'true' });
    await app.ask({ 'x-request-id': 'a' });
    assert.deepEqual(ids, ['a', 'a']);
  });

  it('hands on nothing that a server might not take for a header', async () => {
    const app = await start('http.get', FORWARD);
    // Node itself lets these octets in, but not every server would.
    assert.deepEqual(await app.ask({ 'x-request-id': 'caf\u00e9' }), { answered: 1, failed: 0 });
    assert.deepEqual(ids, [undefined]);
  });

  it('changes no request where it only observes', async () => {
    const app = await start('http.get', { ...FORWARD, OTEL_RESILIENCE_MODE: 'observe' });
    await app.ask({ 'x-request-id': 'a' });
    assert.deepEqual(ids, [undefined]);
  });

  it('writes lines with the documented keys and the ids of the trace that the exporter gets', async () => {
    const receiver = await OtlpReceiver.start();
    try {
      status = 503;
      const app = await start('fetch', { ...QUICK, ...FORWARD, ...receiver.env, OTEL_RESILIENCE_SDK: 'on' });
      await app.ask({ 'x-request-id': 'r-1' });
      await app.ask({ 'x-request-id': 'r-2' });
      assert.equal(await app.end(), 0);
      const keys = ['timestamp', 'severity', 'event', 'message', 'trace_id', 'span_id', 'request_id', 'attributes'];
      const [started, opened, unhealthy, rejected] = app.log;
      assert.equal(started?.event, 'resilience.started');
      for (const line of [opened, unhealthy, rejected]) assert.deepEqual(Object.keys(line ?? {}), keys);
      const spans = receiver.spans.filter(({ name }) => name.startsWith('resilience.execute'));
      for (const [line, id] of [
        [opened, 'r-1'],
        [rejected, 'r-2'],
      ] as const) {
        const span = spans.find(({ spanId }) => spanId === line?.span_id);
        assert.equal(span?.traceId, line?.trace_id);
        assert.equal(span?.attributes['request.id'], id);
        assert.equal(line?.attributes['request.id'], id);
        assert.ok(span?.events.some(({ name, attributes }) => name === line?.event && attributes['request.id'] === id));
        const server = receiver.spans.find(({ kind, traceId }) => kind === 'SERVER' && traceId === line?.trace_id);
        assert.ok(server, 'the trace is that of the incoming request');
      }
      const record = receiver.logs.find(({ eventName }) => eventName === opened?.event);
      assert.deepEqual([record?.traceId, record?.attributes['request.id']], [opened?.trace_id, 'r-1']);
    } finally {
      await receiver.close();
    }
  });

  it('writes a bounded number of lines about 10,000 rejections, and how many it left out', async () => {
    status = 503;
    const app = await start('http.get', QUICK);
    await app.ask();
    const startedAt = performance.now();
    assert.deepEqual(await app.ask({ 'x-times': '10000' }), { answered: 0, failed: 10_000 });
    const seconds = Math.ceil((performance.now() - startedAt) / 1000) + 1;
    await app.end();
    const rejections = app.log.filter(({ event }) => event === 'resilience.call.rejected').length;
    const summaries = app.log.filter(({ event }) => event === 'resilience.log.dropped');
    assert.ok(rejections >= 10 && rejections <= 10 * seconds, `${rejections} lines in ${seconds} s`);
    assert.ok(summaries.length <= seconds, `${summaries.length} summaries in ${seconds} s`);
    const left = summaries.reduce((sum, { attributes }) => sum + Number(attributes.dropped), 0);
    assert.equal(rejections + left, 10_000);
  });
});
