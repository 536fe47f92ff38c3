import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { context, trace } from '@opentelemetry/api';
import { core, logs as sdkLogs } from '@opentelemetry/sdk-node';
import { afterEach, describe, it } from 'mocha';
import type { ResilienceEvent } from '../../src/engine/events.ts';
import type { EventMessage } from '../../src/telemetry/event-channel.ts';
import type { EventSignal } from '../../src/telemetry/event-logs.ts';
import { ATTRIBUTES, EVENTS } from '../../src/telemetry/names.ts';
import { InMemorySdk, OPENED, REJECTED, ScriptedCall } from './harness.ts';

const ALL: readonly ResilienceEvent[] = [
  OPENED,
  { type: 'health_changed', state: 'unhealthy', errorRatio: 0.7 },
  { type: 'retry_scheduled', reason: '503', delayMs: 120, resend: 1 },
  { type: 'hedge_sent', endpoint: 'http://upstream.test', delayMs: 80, hedge: 1 },
  REJECTED,
  { type: 'call_timed_out', scope: 'attempt', timeoutMs: 1_500 },
  { type: 'fallback_used', source: 'cache', errorType: 'circuit_open' },
];

describe('Events', () => {
  let sdk: InMemorySdk;

  afterEach(() => sdk.stop());

  function tellAll(eventSignal: EventSignal): ScriptedCall {
    sdk = new InMemorySdk({ eventSignal });
    const call = new ScriptedCall({ attempts: 1 });
    sdk.listener.callStarted(call);
    for (const event of ALL) sdk.listener.event(event, call, call);
    sdk.listener.callEnded(call, 1);
    return call;
  }

  const spanEvents = () => sdk.finished().flatMap((span) => span.events);
  const records = () => sdk.logRecords.getFinishedLogRecords();

  it('are all on the span, and the two changes in the log, by default', () => {
    tellAll('logs/dup');
    assert.deepEqual(
      spanEvents().map((event) => event.name),
      Object.values(EVENTS).map((event) => event.name),
    );
    assert.deepEqual(
      records().map((record) => record.eventName),
      [EVENTS.circuitStateChange.name, EVENTS.upstreamHealthChange.name],
    );
  });

  it('are only on the span with `span`', () => {
    tellAll('span');
    assert.equal(spanEvents().length, ALL.length);
    assert.equal(records().length, 0);
  });

  it('are only in the log with `logs`, all of them', () => {
    tellAll('logs');
    assert.equal(spanEvents().length, 0);
    assert.deepEqual(
      records().map((record) => record.eventName),
      Object.values(EVENTS).map((event) => event.name),
    );
  });

  it('have the same name, attributes and time on the span and in the log, which carries the ids of the span', () => {
    tellAll('logs/dup');
    const [span] = sdk.finished();
    for (const [i, record] of records().entries()) {
      const event = spanEvents()[i];
      assert.equal(record.eventName, event?.name);
      assert.deepEqual(record.attributes, event?.attributes);
      assert.equal(core.hrTimeToMilliseconds(record.hrTime), core.hrTimeToMilliseconds(event?.time ?? [0, 0]));
      assert.deepEqual(
        [record.spanContext?.traceId, record.spanContext?.spanId],
        [span?.spanContext().traceId, span?.spanContext().spanId],
      );
    }
  });

  it('carry the attributes of the table and no others', () => {
    tellAll('logs');
    const common = ['policyName', 'upstreamName', 'serverAddress', 'serverPort', 'requestMethod'] as const;
    for (const [i, definition] of Object.values(EVENTS).entries()) {
      const expected = [...common, ...definition.attributes].map((key) => ATTRIBUTES[key].name);
      assert.deepEqual(Object.keys(records()[i]?.attributes ?? {}).sort(), expected.sort(), definition.name);
    }
  });

  it('give durations in seconds', () => {
    tellAll('logs');
    const attributes = Object.assign({}, ...records().map((record) => record.attributes));
    assert.equal(attributes['resilience.retry.delay'], 0.12);
    assert.equal(attributes['resilience.timeout.duration'], 1.5);
  });

  it('warn of an opening and of ill health, and inform of the way back', () => {
    sdk = new InMemorySdk();
    const call = new ScriptedCall();
    const closed = { ...OPENED, state: 'closed', previousState: 'half_open', reason: 'probes_succeeded' } as const;
    const healthy = { type: 'health_changed', state: 'healthy', errorRatio: 0.1 } as const;
    for (const event of [OPENED, closed, { ...OPENED, state: 'forced_open', reason: 'manual' } as const]) {
      sdk.listener.event(event, call, undefined);
    }
    sdk.listener.event({ ...healthy, state: 'unhealthy' }, call, undefined);
    sdk.listener.event(healthy, call, undefined);
    assert.deepEqual(
      records().map((record) => record.severityNumber),
      [13, 9, 13, 13, 9],
    );
    assert.ok(records().every((record) => record.severityText === undefined));
  });

  it('go out without a span when no call caused them, even inside one', () => {
    sdk = new InMemorySdk();
    const call = new ScriptedCall();
    const span = sdk.tracer.startSpan('admin');
    context.with(trace.setSpan(context.active(), span), () => sdk.listener.event(OPENED, call, undefined));
    assert.deepEqual(sdk.finished(), []);
    assert.equal(records()[0]?.spanContext, undefined);
  });

  it('are not built for a logger that does not want them', () => {
    sdk = new InMemorySdk({ eventSignal: 'logs' });
    const quiet = new sdkLogs.LoggerProvider({
      processors: [new sdkLogs.SimpleLogRecordProcessor({ exporter: sdk.logRecords })],
      loggerConfigurator: sdkLogs.createLoggerConfigurator([{ pattern: '*', config: { minimumSeverity: 13 } }]),
    });
    sdk.listener.useLoggerProvider(quiet);
    const call = new ScriptedCall();
    for (const event of ALL) sdk.listener.event(event, call, undefined);
    assert.deepEqual(
      records().map((record) => record.severityNumber),
      [13, 13],
    );
  });

  it('are published to listeners in the process with the ids of the trace', () => {
    const messages: EventMessage[] = [];
    const listen = (message: unknown) => {
      messages.push(message as EventMessage);
    };
    diagnosticsChannel.subscribe('resilience:event', listen);
    try {
      tellAll('span');
    } finally {
      diagnosticsChannel.unsubscribe('resilience:event', listen);
    }
    assert.deepEqual(
      messages.map((message) => message.event),
      ALL,
    );
    assert.equal(messages[0]?.traceId, sdk.finished()[0]?.spanContext().traceId);
    assert.equal(messages[0]?.policy, 'default');
  });
});
