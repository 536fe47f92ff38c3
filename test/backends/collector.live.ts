import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { METRICS } from '../../src/telemetry/names.ts';
import type { OtlpReceiver, ReceivedLog } from '../support/otlp-receiver.ts';
import { eventually } from './backend.ts';
import { theOutage } from './outage.ts';
import type { Stage } from './stage.ts';

const SCOPE = 'opentelemetry-instrumentation-resilience';
const STATE_CHANGE = 'resilience.circuit_breaker.state_change';

let stage: Stage;
let receiver: OtlpReceiver;
before(async function () {
  this.timeout(120_000);
  ({ stage } = await theOutage());
  ({ receiver } = stage);
});

const changes = (): readonly ReceivedLog[] => receiver.logs.filter(({ eventName }) => eventName === STATE_CHANGE);

describe('The Collector', () => {
  it('passes on the traces it got', async () => {
    const found = () => receiver.spans.filter(({ name }) => name === 'resilience.execute payments');
    // The trip, three refusals, the probe and the call that closed the circuit.
    await receiver.until('six spans', () => found().length >= 6);
    for (const span of found()) {
      assert.equal(span.kind, 'INTERNAL');
      assert.equal(span.scope, SCOPE);
      assert.equal(span.resource['service.name'], 'shop');
    }
    assert.equal(found().length, 6);
  });

  it('passes on the changes of state as log records, in order, each with the trace it happened in', async () => {
    await receiver.until('three log records', () => changes().length >= 3);
    assert.deepEqual(
      changes().map(({ attributes, severityNumber }) => [
        attributes['resilience.circuit_breaker.previous_state'],
        attributes['resilience.circuit_breaker.state'],
        severityNumber,
      ]),
      [
        ['closed', 'open', 13],
        ['open', 'half_open', 9],
        ['half_open', 'closed', 9],
      ],
    );
    for (const { traceId, spanId } of changes()) {
      const span = await receiver.until('the span', () => receiver.spans.find((span) => span.spanId === spanId));
      assert.equal(span.traceId, traceId);
      assert.equal(span.name, 'resilience.execute payments');
    }
  });

  it('passes on the verdicts of the error-rate monitor', async () => {
    const verdicts = () =>
      receiver.logs.filter(
        ({ eventName: name, attributes }) =>
          name === 'resilience.upstream.health_change' && attributes['resilience.upstream.name'] === 'payments',
      );
    await receiver.until('two verdicts', () => verdicts().length >= 2);
    assert.deepEqual(
      verdicts().map(({ attributes }) => attributes['resilience.upstream.state']),
      ['unhealthy', 'healthy'],
    );
  });

  it('passes on every metric', async () => {
    for (const { name, unit } of Object.values(METRICS)) {
      const [point] = await receiver.until(name, () => receiver.series(name).length > 0 && receiver.series(name));
      assert.equal(point?.scope, SCOPE);
      assert.equal(point?.unit, unit);
    }
  });

  it('prints what it got in its debug exporter, for those who read it there', async () => {
    await eventually('traces and logs in the output', 20_000, async () => {
      const { output } = stage.collector;
      return /Name\s*: resilience\.execute payments/.test(output) && output.includes(`EventName: ${STATE_CHANGE}`);
    });
    assert.match(stage.collector.output, /-> resilience\.circuit_breaker\.state: Str\(open\)/);
    assert.doesNotMatch(stage.collector.output, /\berror\t/);
  });
});
