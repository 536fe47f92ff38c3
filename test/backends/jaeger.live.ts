import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { eventually } from './backend.ts';
import type { Jaeger, ShownSpan, ShownTrace, Tags } from './jaeger.ts';
import { SERVICE, theOutage } from './outage.ts';

let jaeger: Jaeger;
before(async function () {
  this.timeout(120_000);
  ({ jaeger } = (await theOutage()).stage);
});

const service = SERVICE;
const STATE_CHANGE = 'resilience.circuit_breaker.state_change';

/** The one of ours in a trace. */
function ours({ spans }: ShownTrace): ShownSpan {
  const [span, ...others] = spans.filter(({ name }) => name.startsWith('resilience.execute'));
  assert.ok(span !== undefined && others.length === 0);
  return span;
}

function changeIn(trace: ShownTrace, state: string): Tags {
  const change = ours(trace).logs.find(
    (log) => log.event === STATE_CHANGE && log['resilience.circuit_breaker.state'] === state,
  );
  assert.ok(change, JSON.stringify(ours(trace).logs));
  return change;
}

describe('Jaeger, asked as its search page does', () => {
  it('finds the call that tripped the circuit by the state it went to', async () => {
    const tags = { 'resilience.circuit_breaker.state': 'open', 'resilience.circuit_breaker.name': 'payments' };
    const [trip, ...others] = await jaeger.find({ service, tags });
    assert.ok(trip !== undefined && others.length === 0);
    const change = changeIn(trip, 'open');
    assert.equal(change['resilience.circuit_breaker.previous_state'], 'closed');
    assert.equal(change['resilience.circuit_breaker.transition.reason'], 'failure_ratio');
    assert.equal(change['resilience.circuit_breaker.failure_ratio'], 0.6);
    assert.equal(ours(trip).name, 'resilience.execute payments');
    assert.equal(ours(trip).tags['span.kind'] ?? 'internal', 'internal');
    assert.equal(ours(trip).tags['otel.scope.name'], 'opentelemetry-instrumentation-resilience');
    assert.equal(ours(trip).tags.error, true);
    // It was opened only when there was something to tell, and the app has no span: the request is one link away.
    const { parent, links } = ours(trip);
    assert.equal(parent, undefined);
    const request = await eventually('the request that it links to', 20_000, async () => {
      const failed = await jaeger.traces({ service, tags: { 'http.response.status_code': '503' } });
      return failed.flatMap(({ spans }) => spans).find(({ id }) => id === links[0]);
    });
    assert.equal(request.tags['span.kind'], 'client');
    assert.equal(request.tags['http.response.status_code'], 503);
  });

  it('finds the calls that were refused by their outcome, without a span of a request that was never sent', async () => {
    const tags = { 'resilience.outcome': 'rejected', 'resilience.upstream.name': 'payments' };
    const rejected = await jaeger.find({ service, tags }, 3);
    assert.equal(rejected.length, 3);
    for (const trace of rejected) {
      assert.equal(trace.spans.length, 1);
      assert.equal(ours(trace).tags['error.type'], 'circuit_open');
      assert.equal(ours(trace).tags['resilience.attempt.count'], 0);
      const [event] = ours(trace).logs.filter((log) => log.event === 'resilience.call.rejected');
      assert.equal(event?.['resilience.rejection.reason'], 'circuit_open');
    }
  });

  it('finds all refusals by their reasons', async () => {
    for (const [reason, calls] of [
      ['bulkhead_full', 1],
      ['rate_limited', 2],
    ] as const) {
      const tags = { 'resilience.rejection.reason': reason };
      assert.equal((await jaeger.find({ service, tags }, calls)).length, calls, reason);
    }
  });

  it('finds the probe and the call that closed the circuit again', async () => {
    const named = { 'resilience.circuit_breaker.name': 'payments' };
    const [probe] = await jaeger.find({ service, tags: { ...named, 'resilience.circuit_breaker.state': 'half_open' } });
    assert.ok(probe);
    assert.equal(changeIn(probe, 'half_open')['resilience.circuit_breaker.transition.reason'], 'open_elapsed');
    const [recovery] = await jaeger.find({ service, tags: { ...named, 'resilience.circuit_breaker.state': 'closed' } });
    assert.ok(recovery);
    assert.equal(changeIn(recovery, 'closed')['resilience.circuit_breaker.transition.reason'], 'probes_succeeded');
    assert.equal(ours(recovery).tags['resilience.outcome'], 'success');
    assert.ok(ours(recovery).start > ours(probe).start);
  });

  it('shows a call with a CLIENT span for each attempt nested in the span of ours', async () => {
    const tags = { 'resilience.attempt.count': '2', 'resilience.outcome': 'success' };
    const [found] = await jaeger.find({ service, operation: 'resilience.execute orders', tags });
    assert.ok(found);
    const { spans } = await jaeger.trace(found.id);
    const root = ours({ id: found.id, spans });
    assert.equal(root.parent, undefined);
    const attempts = spans.filter(({ id }) => id !== root.id);
    assert.deepEqual(
      attempts.map(({ parent, tags: { 'span.kind': kind, 'http.response.status_code': status } }) => [
        parent,
        kind,
        status,
      ]),
      [
        [root.id, 'client', 503],
        [root.id, 'client', 200],
      ],
    );
    assert.deepEqual(
      attempts.map(({ tags: { 'http.request.resend_count': resend } }) => resend),
      [undefined, 1],
    );
    const [retry] = root.logs.filter((log) => log.event === 'resilience.retry.scheduled');
    assert.equal(retry?.['resilience.retry.reason'], 'status_code');
  });

  it('finds the calls that a fallback answered, by where the answer came from', async () => {
    const { backup } = await theOutage();
    for (const [source, calls, attempts] of [
      // The one attempt was under way when there was nothing to tell yet: its trace is linked.
      ['degraded', 3, 0],
      ['endpoint', 2, 2],
    ] as const) {
      const traces = await jaeger.find({ service, tags: { 'resilience.fallback.source': source } }, calls);
      assert.equal(traces.length, calls, source);
      for (const trace of traces) {
        assert.equal(ours(trace).tags['resilience.outcome'], 'fallback');
        const clients = trace.spans.filter(({ tags }) => tags['span.kind'] === 'client');
        assert.equal(clients.length, attempts, source);
        assert.equal(ours(trace).links.length, source === 'degraded' ? 1 : 0);
        if (source === 'endpoint') {
          const { 'server.address': host, 'server.port': port } = clients[1]?.tags ?? {};
          assert.equal(`${host}:${port}`, backup);
        }
      }
    }
  });

  it('lists our operations, one for each policy that had something to tell', async () => {
    const operations = (await jaeger.operations(service)).filter((name) => name.startsWith('resilience.'));
    const policies = ['catalog', 'inventory', 'orders', 'payments', 'quotes', 'ratings', 'search'];
    assert.deepEqual(
      operations.toSorted(),
      policies.map((policy) => `resilience.execute ${policy}`),
    );
  });
});
