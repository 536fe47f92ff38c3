import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { cleanEnv } from './child.ts';

const LISTENER = JSON.stringify(require.resolve('../../src/telemetry/deferred-listener.js'));

/** Runs `script` in a process of its own, where nobody else has loaded the API: gives what `loaded()` said at its end. */
function loadedAfter(script: string, options = '{}'): { api: boolean; listener: boolean } {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      '-e',
      `const { DeferredListener } = require(${LISTENER});
       const listener = new DeferredListener({ eventSignal: 'logs/dup', jsonLog: false, snapshots: () => [], ...${options} });
       const call = { policy: 'p', upstream: 'u', mode: 'enforce', attempts: 1, mayResend: false, header() {}, sentHeader() {} };
       const tell = () => {
         listener.callStarted(call);
         let sent = 0;
         listener.attempt(call, 1, () => sent++);
         if (sent !== 1) throw new Error('sent ' + sent + ' times');
         listener.event({ type: 'call_rejected', reason: 'circuit_open' }, call, call);
         listener.callEnded(call, 1);
         listener.join();
       };
       ${script}
       const files = Object.keys(require.cache);
       const has = (pattern) => files.some((file) => pattern.test(file));
       console.log(JSON.stringify({ api: has(/opentelemetry.api.build/), listener: has(/telemetry.listener\\.js$/) }));`,
    ],
    { env: cleanEnv(), encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

describe('DeferredListener', () => {
  it('loads neither our telemetry nor the API while nobody has set OpenTelemetry up', () => {
    assert.deepEqual(loadedAfter('tell();'), { api: false, listener: false });
  });

  it('loads them with the first call after an SDK came, however late', () => {
    const script = `tell();
      const { context } = require('@opentelemetry/api');
      context.setGlobalContextManager({
        active: () => require('@opentelemetry/api').ROOT_CONTEXT,
        with: (_context, fn) => fn(), bind: (_context, target) => target,
        enable() { return this; }, disable() { return this; },
      });
      tell();`;
    assert.deepEqual(loadedAfter(script), { api: true, listener: true });
  });

  it('loads them for a subscriber of the event channel, which hears of events without an SDK', () => {
    const script = `let heard = 0;
      require('node:diagnostics_channel').subscribe('resilience:event', () => heard++);
      tell();
      if (heard !== 1) throw new Error('heard of ' + heard + ' events');`;
    assert.deepEqual(loadedAfter(script), { api: true, listener: true });
  });

  it('loads them at once for the JSON log', () => {
    assert.deepEqual(loadedAfter('', '{ jsonLog: true }'), { api: true, listener: true });
  });

  it('loads them for a provider given in code', () => {
    assert.deepEqual(loadedAfter('listener.useTracerProvider({ getTracer() {} });'), { api: true, listener: true });
  });
});
