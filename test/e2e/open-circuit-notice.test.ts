import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { AppUnderTest } from './app-under-test.ts';
import { own } from './own-sdk-stage.ts';

describe('A circuit that opens, with OTEL_RESILIENCE_LOG=auto', function () {
  this.timeout(60_000);
  let upstreams: Upstream[];
  let collector: OtlpReceiver;

  beforeEach(async () => {
    upstreams = [await Upstream.start(), await Upstream.start()];
    for (const upstream of upstreams) upstream.status = 503;
    collector = await OtlpReceiver.start();
  });
  afterEach(async () => {
    for (const upstream of upstreams) await upstream.close();
    await collector.close();
  });

  /** What the app has on stderr after the circuit of each upstream has opened twice. */
  async function said(env: Record<string, string> = {}): Promise<string[]> {
    const quick = {
      OTEL_RESILIENCE_CIRCUIT_BREAKER_CONSECUTIVE_FAILURES: '2',
      OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '1ms',
    };
    const app = new AppUnderTest({ client: 'http.get', env: { ...quick, OTEL_RESILIENCE_LOG: 'auto', ...env } });
    for (const upstream of upstreams) {
      upstream.reset();
      // Two attempts open it, and each probe that fails opens it again.
      while (upstream.requests < 4) await app.call(upstream.url, 1);
    }
    assert.equal(await app.end(), 0);
    return app.stderr.split('\n').filter((line) => line !== '');
  }

  it('is told of in one line for each upstream', async () => {
    const lines = await said();
    assert.equal(lines.length, 2, lines.join('\n'));
    for (const [index, { url }] of upstreams.entries()) {
      assert.ok(lines[index]?.startsWith('opentelemetry-instrumentation-resilience: '), lines[index]);
      assert.ok(lines[index]?.includes(`${url} opened`), lines[index]);
    }
  });

  it('is told of by an SDK where there is one, and by the status page', async () => {
    const env = { OTEL_NODE_RESOURCE_DETECTORS: 'none' };
    assert.deepEqual(await said({ ...env, ...collector.env }), []);
    const ofApp = { ...env, APP_COLLECTOR: collector.url, OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    assert.deepEqual(await said({ ...ofApp, APP_SETUP: own('node-sdk.cjs') }), []);
    const lines = await said({ OTEL_RESILIENCE_STATUS: '127.0.0.1:0' });
    assert.deepEqual(
      lines.filter((line) => line.includes('opened')),
      [],
    );
  });
});
