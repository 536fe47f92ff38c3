import assert from 'node:assert/strict';
import path from 'node:path';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { type AppOptions, AppUnderTest, FIXTURES } from './app-under-test.ts';

export const own = (name: string): string => path.join(FIXTURES, 'own-sdk', name);

/** The ways in which apps set up an SDK in their own code. `find` gives the path of a setup. */
export function setups(find: (name: string) => string = own): Record<string, Partial<AppOptions>> {
  return {
    'a NodeSDK': { env: { APP_SETUP: find('node-sdk.cjs') } },
    // Without the loader hook OpenTelemetry sees no `http` that an ES module has imported, with or without us.
    'a NodeSDK in an ES module': { client: 'fetch', module: 'mjs', env: { APP_SETUP: find('node-sdk.mjs') } },
    'a NodeSDK in an ES module that we were imported into': {
      client: 'fetch',
      loading: '--import',
      module: 'mjs',
      env: { APP_SETUP: find('node-sdk.mjs') },
    },
    'a NodeSDK that is imported by a flag': { after: ['--import', find('node-sdk.mjs')] },
    'a NodeSDK that is required by a flag': { after: ['--require', find('node-sdk.cjs')] },
    'NodeTracerProvider.register()': { env: { APP_SETUP: find('provider-register.cjs') } },
    'trace.setGlobalTracerProvider()': { env: { APP_SETUP: find('provider-global.cjs') } },
  };
}

/** Where no collector is named, an SDK would try the usual port, and the app end late. */
const NO_OTHER_EXPORTS = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };

/** What makes our flag start an SDK, so that there are two to choose from. */
export const INTENT: Record<string, (receiver: OtlpReceiver) => Record<string, string>> = {
  'nothing in the environment': () => NO_OTHER_EXPORTS,
  OTEL_SERVICE_NAME: () => ({ ...NO_OTHER_EXPORTS, OTEL_SERVICE_NAME: 'shop' }),
  'an OTLP endpoint in the environment': (receiver) => receiver.env,
};

export const KEPT = 5;

/** An app with an SDK of its own, an upstream, and the two collectors that spans may go to. */
export class OwnSdkStage {
  readonly upstream: Upstream;
  /** What the app's exporter sends to. */
  readonly collector: OtlpReceiver;
  /** What the variables name. */
  readonly ofVariables: OtlpReceiver;
  #app: AppUnderTest | undefined;

  private constructor(upstream: Upstream, collector: OtlpReceiver, ofVariables: OtlpReceiver) {
    this.upstream = upstream;
    this.collector = collector;
    this.ofVariables = ofVariables;
  }

  static async open(): Promise<OwnSdkStage> {
    return new OwnSdkStage(await Upstream.start(), await OtlpReceiver.start(), await OtlpReceiver.start());
  }

  start(options: Partial<AppOptions>, intent: Record<string, string>): AppUnderTest {
    const env = { OTEL_NODE_RESOURCE_DETECTORS: 'none', APP_COLLECTOR: this.collector.url, ...intent, ...options.env };
    this.#app = new AppUnderTest({ client: 'mixed', ...options, env });
    return this.#app;
  }

  /** Makes calls that the app's sampler takes, and as many that it does not; then the app ends. */
  async run(options: Partial<AppOptions>, intent: Record<string, string>): Promise<void> {
    const app = this.start(options, intent);
    await app.call(`${this.upstream.url}/kept`, KEPT);
    await app.call(`${this.upstream.url}/dropped`, KEPT);
    await this.end(app);
  }

  /** It ends by itself and has written nothing to the console. */
  async end(app: AppUnderTest): Promise<void> {
    assert.deepEqual([await app.end(), app.stderr], [0, '']);
  }

  async close(): Promise<void> {
    await this.#app?.end();
    await Promise.all([this.upstream.close(), this.collector.close(), this.ofVariables.close()]);
  }

  /** Without a context manager the app's own exports are traced too. */
  client(spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] {
    const toUpstream = (url: unknown): boolean => String(url).startsWith(this.upstream.url);
    return spans.filter(({ kind, attributes }) => kind === 'CLIENT' && toUpstream(attributes['url.full']));
  }

  /** One CLIENT span for each call that the app's sampler took, of the app's resource. */
  assertOwn(): void {
    const spans = this.client(this.collector.spans);
    assert.equal(spans.length, KEPT);
    assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, KEPT);
    for (const { resource, attributes } of spans) {
      assert.equal(resource['app.sdk'], 'own');
      assert.match(String(attributes['url.full']), /\/kept$/);
    }
  }
}
