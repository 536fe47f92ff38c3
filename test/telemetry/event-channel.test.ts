import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { hasListeners, publish } from '../../src/telemetry/event-channel.ts';
import { forgetReportedFailures } from '../../src/telemetry/guard.ts';
import { EVENT_CHANNEL } from '../../src/telemetry/names.ts';
import { REJECTED, ScriptedCall } from './harness.ts';

const tellEvent = (): void => publish(REJECTED, new ScriptedCall(), undefined, undefined);

describe('the event channel', () => {
  const said: string[] = [];
  beforeEach(() => {
    said.length = 0;
    forgetReportedFailures();
    const log = (...args: unknown[]): void => void said.push(args.join(' '));
    const logger = { error: log, warn: log, info: log, debug: log, verbose: log };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  });
  afterEach(() => {
    diag.disable();
    forgetReportedFailures();
  });

  it('goes on to the next listener after one that throws, and says so once', () => {
    const heard: unknown[] = [];
    const failing = (): never => {
      throw new Error('of a listener');
    };
    const listening = (message: unknown, name: unknown): void => void heard.push(name, message);
    diagnosticsChannel.subscribe(EVENT_CHANNEL, failing);
    diagnosticsChannel.channel(EVENT_CHANNEL).subscribe(listening);
    tellEvent();
    tellEvent();
    assert.equal(diagnosticsChannel.unsubscribe(EVENT_CHANNEL, failing), true);
    assert.equal(diagnosticsChannel.channel(EVENT_CHANNEL).unsubscribe(listening), true);
    assert.deepEqual([heard.length, heard[0]], [4, EVENT_CHANNEL]);
    assert.equal(said.filter((line) => line.includes('of a listener')).length, 1);
  });

  it('has no listeners once all are gone, and hears of those that come again', () => {
    const listener = (): void => {};
    for (let round = 0; round < 2; round++) {
      assert.equal(diagnosticsChannel.unsubscribe(EVENT_CHANNEL, listener), false);
      diagnosticsChannel.subscribe(EVENT_CHANNEL, listener);
      diagnosticsChannel.subscribe(EVENT_CHANNEL, listener);
      assert.equal(hasListeners(), true);
      diagnosticsChannel.unsubscribe(EVENT_CHANNEL, listener);
      assert.equal(hasListeners(), true);
      diagnosticsChannel.unsubscribe(EVENT_CHANNEL, listener);
      assert.equal(hasListeners(), false);
    }
  });

  it('refuses what is no function, as Node does', () => {
    assert.throws(() => diagnosticsChannel.subscribe(EVENT_CHANNEL, 'x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});
