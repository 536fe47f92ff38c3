import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { App, type Ask, CLIENTS, type Client, codesOf, type Reply } from './support/app.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const configOf = (backup: string): string => `
policies:
  default: {}
  retried: { retry: { max_retries: 2, backoff: { base: 1ms, max: 2ms }, budget: { min_per_second: 1000 } } }
  chain: { retry: { max_retries: 1, backoff: { base: 1ms, max: 2ms }, budget: { min_per_second: 1000 } }, fallback: { endpoints: ["${backup}"], response: { body: substitute } } }
  tight: { bulkhead: { max_concurrent: 1, max_queue: 1, queue_timeout: 10s } }
rules:
${['retried', 'chain', 'tight'].map((name) => `  - { match: { url: "http://127.0.0.1:*/${name}/*" }, policy: ${name} }`).join('\n')}
`;

describe('guards and recoveries in telemetry', () => {
  let app: App;
  let receiver: OtlpReceiver;
  let backup: ScriptedOrigin;
  let upstream: ScriptedOrigin;
  const upstreams: ScriptedOrigin[] = [];

  before(async () => {
    [receiver, backup] = await Promise.all([OtlpReceiver.start(), ScriptedOrigin.start()]);
    app = await App.start({
      config: configOf(backup.origin),
      env: { ...receiver.env, OTEL_RESILIENCE_SDK: 'on', OTEL_SERVICE_NAME: 'app' },
    });
  });
  after(async () => {
    await app.end();
    await Promise.all(
      [receiver, ...[backup, ...upstreams].map((each) => ({ close: () => each.stop() }))].map((each) => each.close()),
    );
  });

  async function call(client: Client, path: string, more: Partial<Ask> = {}): Promise<Reply> {
    return await app.call(client, { ...more, url: upstream.origin + path });
  }

  const start = async (...script: ScriptedOrigin['script']): Promise<void> => {
    upstream = await ScriptedOrigin.start();
    upstream.script = script;
    upstreams.push(upstream);
  };

  const ofUs = (span: ReceivedSpan): boolean =>
    span.name.startsWith('resilience.execute') && span.attributes['resilience.upstream.name'] === upstream.origin;

  /** Our span of the one call made, with the spans of its attempts in order. */
  async function trace(attempts: number): Promise<{ ours: ReceivedSpan; clients: ReceivedSpan[] }> {
    return await receiver.until('the spans of a call', () => {
      const ours = receiver.spans.find(ofUs);
      if (ours === undefined) return undefined;
      const clients = receiver.spans
        .filter(({ kind, parentSpanId }) => kind === 'CLIENT' && parentSpanId === ours.spanId)
        .sort((a, b) => Number(a.start - b.start));
      return clients.length >= attempts && { ours, clients };
    });
  }

  const mayResend = (clients: readonly ReceivedSpan[]): unknown[] =>
    clients.map(({ attributes }) => attributes['http.request.resend_count']);

  for (const client of CLIENTS) {
    describe(client, () => {
      it('has one CLIENT span per attempt in ours, counted, each with a traceparent of its own', async () => {
        await start(503, 'reset');
        assert.equal((await call(client, '/retried/1')).status, 200);
        const { ours, clients } = await trace(3);
        assert.equal(clients.length, 3);
        assert.deepEqual(mayResend(clients), [undefined, 1, 2]);
        const received = upstream.hits.map(({ headers }) => headers.traceparent);
        assert.deepEqual(
          received,
          clients.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
        );
        assert.equal(ours.status, 'UNSET');
        assert.equal(ours.attributes['resilience.outcome'], 'success');
        assert.equal(ours.attributes['resilience.attempt.count'], 3);
        assert.deepEqual(
          ours.events.map(({ name }) => name),
          ['resilience.retry.scheduled', 'resilience.retry.scheduled'],
        );
        assert.deepEqual(
          ours.events.map(({ attributes }) => attributes['resilience.retry.reason']),
          ['status_code', 'connection_error'],
        );
        assert.deepEqual(
          clients.map(({ status }) => status),
          ['ERROR', 'ERROR', 'UNSET'],
        );
      });

      it('has the attempt at an endpoint beside the others, and no error when that saved the call', async () => {
        await start(503, 503);
        backup.reset(200);
        const reply = await call(client, '/chain/1');
        assert.equal(reply.headers?.['resilience-source'], 'endpoint');
        const { ours, clients } = await trace(3);
        assert.deepEqual(mayResend(clients), [undefined, 1, 2]);
        assert.equal(clients[2]?.attributes['server.port'], backup.port);
        assert.equal(backup.hits[0]?.headers.traceparent, `00-${ours.traceId}-${clients[2]?.spanId}-01`);
        assert.equal(ours.status, 'UNSET');
        assert.equal(ours.attributes['resilience.outcome'], 'fallback');
        assert.equal(ours.attributes['resilience.fallback.source'], 'endpoint');
        const { events } = ours;
        assert.equal(events.at(-1)?.name, 'resilience.fallback.used');
      });

      it('says what a substitute stood in for', async () => {
        await start(503, 503);
        backup.reset(500);
        const reply = await call(client, '/chain/1');
        assert.equal(reply.text, 'substitute');
        const { ours, clients } = await trace(3);
        assert.equal(clients.length, 3);
        assert.equal(ours.status, 'UNSET');
        assert.equal(ours.attributes['resilience.fallback.source'], 'degraded');
      });

      it('has an error when nothing saved the call', async () => {
        await start(503, 503, 502);
        assert.equal((await call(client, '/retried/1')).status, 502);
        const { ours } = await trace(3);
        assert.equal(ours.status, 'ERROR');
        assert.equal(ours.attributes['error.type'], '502');
        assert.equal(ours.attributes['resilience.outcome'], 'failure');
      });

      it('tells of queueing and rejection, without a CLIENT span for what was rejected', async () => {
        await start();
        const held: Array<() => void> = [];
        upstream.act = (_request, response) => held.push(() => response.end());
        const calls = app.burst(client, { url: `${upstream.origin}/tight/1` }, 3);
        const release = (): void => {
          for (const answer of held.splice(0)) answer();
        };
        await upstream.begun(1);
        await receiver.until('the bulkhead while it is full', () => usage('executing') === 1 && usage('queued') === 1);
        upstream.on('hit', () => setImmediate(release));
        release();
        const replies = await calls;
        const rejected = replies.filter((reply) => codesOf(reply).includes('ERR_RESILIENCE_BULKHEAD_FULL'));
        assert.equal(rejected.length, 1);
        const spans = await receiver.until('the spans of the queued and the rejected call', () => {
          const all = receiver.spans.filter(ofUs);
          return all.length >= 2 && all;
        });
        const refused = spans.find(({ attributes }) => attributes['resilience.outcome'] === 'rejected');
        assert.equal(refused?.status, 'ERROR');
        assert.equal(refused?.attributes['error.type'], 'bulkhead_full');
        assert.deepEqual(
          receiver.spans.filter(({ parentSpanId }) => parentSpanId === refused?.spanId),
          [],
        );
        const waits = await receiver.until('the wait', () => point('resilience.bulkhead.wait.duration'));
        assert.equal(waits.count, 1);
        assert.equal(point('resilience.bulkhead.limit', { 'resilience.bulkhead.state': 'executing' })?.value, 1);
        await receiver.until('the bulkhead empty again', () => usage('executing') === 0 && usage('queued') === 0);
        await receiver.until(
          'the rejection',
          () => point('resilience.rejections', { 'resilience.rejection.reason': 'bulkhead_full' })?.value === 1,
        );
      });

      it('counts retries, fallbacks and what is left of the budget', async () => {
        await start(503, 503);
        backup.reset(200);
        await call(client, '/chain/1');
        const counted = (metric: string, attributes: Record<string, string>) => () =>
          point(metric, attributes)?.value === 1;
        await receiver.until('retries', counted('resilience.retries', { 'resilience.retry.reason': 'status_code' }));
        await receiver.until(
          'fallbacks',
          counted('resilience.fallbacks', { 'resilience.fallback.source': 'endpoint' }),
        );
        const left = await receiver.until('budget', () => point('resilience.retry_budget.remaining'));
        assert.ok(left.value > 0);
        const duration = await receiver.until('duration', () => point('resilience.execution.duration'));
        assert.equal(duration.count, 1);
        assert.equal(duration.attributes['resilience.outcome'], 'fallback');
        assert.equal(duration.attributes['resilience.policy.name'], 'chain');
      });
    });
  }

  const point = (metric: string, attributes: Record<string, string> = {}) =>
    receiver
      .series(metric)
      .findLast(
        (each) =>
          each.attributes['resilience.upstream.name'] === upstream.origin &&
          Object.entries(attributes).every(([name, value]) => each.attributes[name] === value),
      );

  const usage = (state: string): number | undefined =>
    point('resilience.bulkhead.usage', { 'resilience.bulkhead.state': state })?.value;
});
