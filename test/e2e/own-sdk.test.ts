import assert from 'node:assert/strict';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { type AppOptions, AppUnderTest, FIXTURES } from './app-under-test.ts';

/** As many loads of an SDK as there are rows, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;
const own = (name: string): string => path.join(FIXTURES, 'own-sdk', name);

/** The ways in which apps set up an SDK in their own code. */
const IN_CODE: Record<string, Partial<AppOptions>> = {
  'a NodeSDK': { env: { APP_SETUP: own('node-sdk.cjs') } },
  // Without the loader hook OpenTelemetry sees no `http` that an ES module has imported, with or without us.
  'a NodeSDK in an ES module': { client: 'fetch', module: 'mjs', env: { APP_SETUP: own('node-sdk.mjs') } },
  'a NodeSDK in an ES module that we were imported into': {
    client: 'fetch',
    loading: '--import',
    module: 'mjs',
    env: { APP_SETUP: own('node-sdk.mjs') },
  },
  'a NodeSDK that is imported by a flag': { after: ['--import', own('node-sdk.mjs')] },
  'a NodeSDK that is required by a flag': { after: ['--require', own('node-sdk.cjs')] },
  'NodeTracerProvider.register()': { env: { APP_SETUP: own('provider-register.cjs') } },
  'trace.setGlobalTracerProvider()': { env: { APP_SETUP: own('provider-global.cjs') } },
};

/** Where no collector is named, an SDK would try the usual port, and the app end late. */
const NO_OTHER_EXPORTS = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };

/** What makes our flag start an SDK, so that there are two to choose from. */
const INTENT: Record<string, (receiver: OtlpReceiver) => Record<string, string>> = {
  'nothing in the environment': () => NO_OTHER_EXPORTS,
  OTEL_SERVICE_NAME: () => ({ ...NO_OTHER_EXPORTS, OTEL_SERVICE_NAME: 'shop' }),
  'an OTLP endpoint in the environment': (receiver) => receiver.env,
};

const KEPT = 5;

describe("An SDK of the app's own", function () {
  this.timeout(TIMEOUT_MS);
  /** What the app's exporter sends to, and what the variables name. */
  let collector: OtlpReceiver;
  let ofVariables: OtlpReceiver;
  let upstream: Upstream;
  let app: AppUnderTest | undefined;

  beforeEach(async () => {
    collector = await OtlpReceiver.start();
    ofVariables = await OtlpReceiver.start();
    upstream = await Upstream.start();
  });
  afterEach(async () => {
    await app?.end();
    app = undefined;
    await upstream.close();
    await Promise.all([collector.close(), ofVariables.close()]);
  });

  function start(options: Partial<AppOptions>, intent: Record<string, string>): AppUnderTest {
    const env = { OTEL_NODE_RESOURCE_DETECTORS: 'none', APP_COLLECTOR: collector.url, ...intent, ...options.env };
    app = new AppUnderTest({ client: 'mixed', ...options, env });
    return app;
  }

  async function end(running: AppUnderTest): Promise<void> {
    assert.deepEqual([await running.end(), running.stderr], [0, '']);
  }

  const client = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] =>
    // Without a context manager the app's own exports are traced too.
    spans.filter(({ kind, attributes }) => kind === 'CLIENT' && `${attributes['url.full']}`.startsWith(upstream.url));

  function assertOwn(spans: readonly ReceivedSpan[], calls: number): void {
    assert.equal(client(spans).length, calls);
    for (const { resource, attributes } of client(spans)) {
      assert.equal(resource['app.sdk'], 'own');
      assert.match(String(attributes['url.full']), /\/kept$/);
    }
  }

  for (const [setup, options] of Object.entries(IN_CODE)) {
    for (const [what, intent] of Object.entries(INTENT)) {
      it(`has every span, once, and its sampler the say: ${setup}, with ${what}`, async () => {
        const running = start(options, intent(ofVariables));
        await running.call(`${upstream.url}/kept`, KEPT);
        await running.call(`${upstream.url}/dropped`, KEPT);
        await end(running);
        assertOwn(collector.spans, KEPT);
        assert.deepEqual(client(ofVariables.spans), []);
      });
    }
  }

  for (const name of ['node-sdk.cjs', 'provider-register.cjs', 'provider-global.cjs']) {
    it(`has every span from its start on, and ours those before: ${name}, started after the first calls`, async () => {
      const running = start({}, ofVariables.env);
      await running.call(`${upstream.url}/before`, 4);
      await running.call(`${upstream.url}/kept`, KEPT, { setup: own(name) });
      await running.call(`${upstream.url}/dropped`, KEPT);
      await end(running);
      assertOwn(collector.spans, KEPT);
      const before = client(ofVariables.spans).map(({ attributes }) => attributes['url.full']);
      assert.deepEqual(before, Array(4).fill(`${upstream.url}/before`));
    });
  }

  for (const flag of ['--require', '--import']) {
    for (const order of ['before', 'after'] as const) {
      it(`is that of auto-instrumentations by ${flag} ${order} us: one CLIENT span a call`, async () => {
        const flags = [flag, '@opentelemetry/auto-instrumentations-node/register'];
        const running = start({ [order]: flags }, ofVariables.env);
        await running.call(`${upstream.url}/kept`, 26);
        await end(running);
        assert.equal(client(ofVariables.spans).length, 26);
      });
    }
  }
});
