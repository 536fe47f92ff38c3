import assert from 'node:assert/strict';
import { context, propagation, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { core, tracing } from '@opentelemetry/sdk-node';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { TELEMETRY_DEFAULTS, TelemetryListener } from '../../src/telemetry/listener.ts';
import { InMemorySdk, OPENED, REJECTED, ScriptedCall } from './harness.ts';

describe('Span of a call', () => {
  let sdk: InMemorySdk;

  beforeEach(() => {
    sdk = new InMemorySdk();
  });
  afterEach(() => sdk.stop());

  function run(call: ScriptedCall, during: (call: ScriptedCall) => void = () => {}): void {
    sdk.listener.callStarted(call);
    during(call);
    call.result ??= 'success';
    sdk.listener.callEnded(call, performance.now() - call.startedAtMs);
  }

  it('does not exist when there is nothing to tell', () => {
    run(new ScriptedCall());
    assert.deepEqual(sdk.finished(), []);
  });

  it('is INTERNAL, named after the policy, and says what became of the call', () => {
    const call = new ScriptedCall({ attempts: 1, result: 'rejected', errorType: 'circuit_open' });
    run(call, () => sdk.listener.event(REJECTED, call, call));
    const [span] = sdk.finished();
    assert.equal(span?.name, 'resilience.execute default');
    assert.equal(span?.kind, SpanKind.INTERNAL);
    assert.equal(span?.status.code, SpanStatusCode.ERROR);
    assert.deepEqual(span?.attributes, {
      'resilience.policy.name': 'default',
      'resilience.upstream.name': 'http://users.test:8080',
      'server.address': 'users.test',
      'server.port': 8080,
      'http.request.method': 'GET',
      'resilience.attempt.count': 1,
      'resilience.outcome': 'rejected',
      'error.type': 'circuit_open',
    });
  });

  it('says in its status why the app got no answer', () => {
    const rejection = { toError: () => new Error('circuit of payments is open (next probe in 9.8 s)') };
    const refused = new ScriptedCall({ result: 'rejected', errorType: 'circuit_open', rejection });
    run(refused, () => sdk.listener.event(REJECTED, refused, refused));
    const failed = new ScriptedCall({ upstream: 'payments', attempts: 2, result: 'failure', errorType: '503' });
    run(failed, () => sdk.listener.event(OPENED, failed, failed));
    assert.deepEqual(
      sdk.finished().map(({ status }) => status.message),
      ['circuit of payments is open (next probe in 9.8 s)', 'call to payments failed (503) after 2 attempts'],
    );
  });

  it('opens at the first of several events only', () => {
    const call = new ScriptedCall({ attempts: 1 });
    run(call, () => {
      sdk.listener.event(OPENED, call, call);
      sdk.listener.event(REJECTED, call, call);
    });
    assert.deepEqual(
      sdk.finished().map((span) => span.events.map((event) => event.name)),
      [['resilience.circuit_breaker.state_change', 'resilience.call.rejected']],
    );
  });

  it('has no ERROR status when a retry or a fallback saved the call, nor when the caller gave up', () => {
    const saved = new ScriptedCall({ result: 'fallback', fallbackSource: 'cache' });
    run(saved, () => sdk.listener.event({ type: 'fallback_used', source: 'cache', errorType: '503' }, saved, saved));
    const aborted = new ScriptedCall({ result: 'failure', errorType: 'aborted' });
    run(aborted, () => sdk.listener.event(OPENED, aborted, aborted));
    const [first, second] = sdk.finished();
    assert.equal(first?.status.code, SpanStatusCode.UNSET);
    assert.equal(first?.attributes['resilience.fallback.source'], 'cache');
    assert.equal(first?.attributes['error.type'], undefined);
    assert.equal(second?.status.code, SpanStatusCode.UNSET);
    assert.equal(second?.attributes['error.type'], 'aborted');
  });

  it('says when it was only observed, and hides methods and ports that are none', () => {
    const call = new ScriptedCall({ mode: 'observe', method: 'BREW', host: '/run/app.sock', port: 0 });
    run(call, () => sdk.listener.event(REJECTED, call, call));
    const attributes = sdk.finished()[0]?.attributes ?? {};
    assert.equal(attributes['resilience.mode'], 'observe');
    assert.equal(attributes['http.request.method'], '_OTHER');
    assert.equal('server.port' in attributes, false);
  });

  it('is the child of the span the caller was in, wherever the event is told', () => {
    const call = new ScriptedCall();
    const parent = sdk.tracer.startSpan('handler');
    context.with(trace.setSpan(context.active(), parent), () => sdk.listener.callStarted(call));
    sdk.listener.event(OPENED, call, call);
    sdk.listener.callEnded(call, 1);
    assert.equal(sdk.finished()[0]?.parentSpanContext?.spanId, parent.spanContext().spanId);
  });

  it('starts when the call started, not when there was something to tell', () => {
    const startedAtMs = performance.now() - 5_000;
    const before = Date.now();
    const call = new ScriptedCall({ startedAtMs });
    run(call, () => sdk.listener.event(OPENED, call, call));
    const span = sdk.finished()[0];
    assert.ok(span);
    const started = core.hrTimeToMilliseconds(span.startTime);
    assert.ok(started <= Date.now() - 5_000 && started >= before - 5_002, `${started}`);
    assert.ok(core.hrTimeToMilliseconds(span.endTime) >= before);
  });

  it('holds the attempts of a policy that repeats', () => {
    const call = new ScriptedCall({ mayResend: true });
    const parents: (string | undefined)[] = [];
    run(call, () => {
      for (const number of [1, 2]) {
        sdk.listener.attempt(call, number, () => {
          parents.push(trace.getSpanContext(context.active())?.spanId);
        });
      }
    });
    const id = sdk.finished()[0]?.spanContext().spanId;
    assert.ok(id);
    assert.deepEqual(parents, [id, id]);
  });

  it('holds the only attempt of a call that had something to tell before it', () => {
    const call = new ScriptedCall();
    let parent: string | undefined;
    run(call, () => {
      sdk.listener.event({ type: 'call_queued', waitedMs: 12 }, call, call);
      sdk.listener.attempt(call, 1, () => {
        parent = trace.getSpanContext(context.active())?.spanId;
      });
    });
    assert.equal(parent, sdk.finished()[0]?.spanContext().spanId);
  });

  it('links to the span of the attempt, and is no child of it, where the caller has none', () => {
    const client = sdk.tracer.startSpan('GET', { kind: SpanKind.CLIENT });
    const headers: Record<string, string> = {};
    const call = new ScriptedCall({ attempts: 1, headers });
    run(call, () => {
      propagation.inject(trace.setSpan(context.active(), client), headers);
      sdk.listener.event(OPENED, call, call);
    });
    const span = sdk.finished()[0];
    assert.equal(span?.parentSpanContext, undefined);
    const [link, ...others] = span?.links ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual(
      [link?.context.traceId, link?.context.spanId, link?.context.isRemote],
      [client.spanContext().traceId, client.spanContext().spanId, false],
    );
  });

  it('begins a trace of its own when nothing was sent', () => {
    const call = new ScriptedCall();
    run(call, () => sdk.listener.event(REJECTED, call, call));
    assert.equal(sdk.finished()[0]?.parentSpanContext, undefined);
    assert.deepEqual(sdk.finished()[0]?.links, []);
  });

  it('is not opened by what is told after the call has ended', () => {
    const call = new ScriptedCall();
    run(call);
    sdk.listener.event(OPENED, call, call);
    assert.deepEqual(sdk.finished(), []);
    assert.equal(sdk.logRecords.getFinishedLogRecords().length, 1);
  });
});

describe('Span of a call that is not sampled', () => {
  it('passes its decision on to the attempts and records nothing', async () => {
    const sdk = new InMemorySdk({ sampler: new tracing.AlwaysOffSampler() });
    const call = new ScriptedCall({ mayResend: true });
    sdk.listener.callStarted(call);
    let active = trace.getSpanContext(context.active());
    sdk.listener.attempt(call, 1, () => {
      active = trace.getSpanContext(context.active());
    });
    sdk.listener.event(OPENED, call, call);
    sdk.listener.callEnded(call, 1);
    assert.equal(active?.traceFlags, TraceFlags.NONE);
    assert.deepEqual(sdk.finished(), []);
    await sdk.stop();
  });
});

describe('A call without an SDK', () => {
  it('leaves nothing but the caller’s context on the call, and makes its attempts', () => {
    const listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [] });
    const call = new ScriptedCall();
    listener.callStarted(call);
    assert.equal(call.scope, context.active());
    const sent: number[] = [];
    listener.attempt(call, 1, () => sent.push(1));
    listener.event({ type: 'retry_scheduled', reason: '503', delayMs: 1, resend: 1 }, call, call);
    listener.attempt(call, 2, () => sent.push(2));
    listener.callEnded(call, 1);
    assert.deepEqual(sent, [1, 2]);
  });
});

describe('Span of a call of an app that registers its SDK late', () => {
  it('exists from then on', async () => {
    const listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [] });
    const rejectedCall = () => {
      const call = new ScriptedCall({ result: 'rejected', errorType: 'circuit_open' });
      listener.callStarted(call);
      listener.event(REJECTED, call, call);
      listener.callEnded(call, 1);
    };
    rejectedCall();
    const sdk = new InMemorySdk();
    rejectedCall();
    assert.equal(sdk.finished().length, 1);
    await sdk.stop();
  });
});

describe('A resent attempt', () => {
  it('marks its CLIENT span, the first one made in it and no other', async () => {
    const sdk = new InMemorySdk();
    const call = new ScriptedCall({ attempts: 2 });
    sdk.listener.callStarted(call);
    // As instrumentations do: a span of the active context, put into a context made from it.
    const begin = (name: string, kind: SpanKind) => {
      const span = sdk.tracer.startSpan(name, { kind }, context.active());
      context.with(trace.setSpan(context.active(), span), () => {});
      span.end();
    };
    let later = () => {};
    sdk.listener.attempt(call, 2, () => {
      later = context.bind(context.active(), () => begin('later', SpanKind.CLIENT));
      begin('lookup', SpanKind.INTERNAL);
    });
    sdk.listener.attempt(call, 3, () => begin('done', SpanKind.CLIENT));
    later();
    const marked: Record<string, unknown> = {};
    for (const { name, attributes } of sdk.spans.getFinishedSpans())
      marked[name] = attributes['http.request.resend_count'];
    assert.deepEqual(marked, { lookup: undefined, done: 2, later: undefined });
    await sdk.stop();
  });
});
