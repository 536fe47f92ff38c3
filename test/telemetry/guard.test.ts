import assert from 'node:assert/strict';
import { type Context, type ContextManager, context, DiagLogLevel, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { forgetReportedFailures, guarded, reportFailure } from '../../src/telemetry/guard.ts';
import { TELEMETRY_DEFAULTS, TelemetryListener } from '../../src/telemetry/listener.ts';
import { OPENED, REJECTED, ScriptedCall } from './harness.ts';

const fail = (): never => {
  throw new Error('broken SDK');
};

describe('A broken SDK', () => {
  let said: string[];

  beforeEach(() => {
    said = [];
    forgetReportedFailures();
    const log = (message: string, ...rest: unknown[]) => {
      said.push([message, ...rest].join(' '));
    };
    const logger = { error: log, warn: log, info: log, debug: log, verbose: log };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  });
  afterEach(() => {
    diag.disable();
    context.disable();
    forgetReportedFailures();
  });

  function wholeCall(listener: TelemetryListener): number {
    let sent = 0;
    const call = new ScriptedCall({ mayResend: true, result: 'rejected', errorType: 'circuit_open' });
    listener.callStarted(call);
    listener.attempt(call, 1, () => {
      sent += 1;
    });
    listener.event(OPENED, call, call);
    listener.event({ type: 'call_queued', waitedMs: 1 }, call, call);
    listener.event(REJECTED, call, call);
    listener.attempt(call, 2, () => {
      sent += 1;
    });
    listener.callEnded(call, 1);
    return sent;
  }

  it('reaches neither the call nor its attempts, whatever of it throws', () => {
    const brokenSpan = { spanContext: fail, isRecording: fail, end: fail, addEvent: fail, setAttributes: fail };
    const providers = [
      { getTracer: fail },
      { getTracer: () => ({ startSpan: fail, startActiveSpan: fail }) },
      { getTracer: () => ({ startSpan: () => brokenSpan, startActiveSpan: fail }) },
    ];
    for (const provider of providers) {
      const listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [] });
      listener.useTracerProvider(provider as never);
      listener.useMeterProvider({ getMeter: fail } as never);
      listener.useLoggerProvider({ getLogger: () => ({ enabled: () => true, emit: fail }) });
      assert.equal(wholeCall(listener), 2);
      listener.close();
    }
  });

  it('is told of once per place', () => {
    const listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [] });
    listener.useTracerProvider({ getTracer: fail } as never);
    wholeCall(listener);
    const once = said.length;
    wholeCall(listener);
    assert.ok(once > 0);
    assert.equal(said.length, once);
    assert.match(said[0] ?? '', /broken SDK/);
  });

  it('sends an attempt once even if the context manager throws before or after it', () => {
    const listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [] });
    let afterwards = false;
    const manager: ContextManager = {
      active: () => ROOT_CONTEXT,
      with(_context: Context, fn: (...args: never[]) => unknown) {
        if (afterwards) fn();
        return fail();
      },
      bind: (_context, target) => target,
      enable: () => manager,
      disable: () => manager,
    } as ContextManager;
    context.setGlobalContextManager(manager);
    let sent = 0;
    const send = () => {
      sent += 1;
    };
    const call = new ScriptedCall();
    listener.callStarted(call);
    listener.attempt(call, 2, send);
    assert.equal(sent, 1);
    afterwards = true;
    assert.throws(() => listener.attempt(call, 2, send), /broken SDK/);
    assert.equal(sent, 2);
  });

  it('passes on what the attempt itself throws', () => {
    const listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [] });
    const call = new ScriptedCall();
    listener.callStarted(call);
    assert.throws(() => listener.attempt(call, 1, fail), /broken SDK/);
    assert.throws(() => listener.attempt(call, 2, fail), /broken SDK/);
    assert.deepEqual(said, []);
  });

  it('is not made worse by a diagnostic logger that throws', () => {
    const logger = { error: fail, warn: fail, info: fail, debug: fail, verbose: fail };
    diag.disable();
    diag.setLogger(logger, DiagLogLevel.ERROR);
    guarded('test', fail);
    reportFailure('another', new Error('x'));
  });
});
