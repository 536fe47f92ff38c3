import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { INTENT, KEPT, OwnSdkStage, own, setups } from './own-sdk-stage.ts';

/** As many loads of an SDK as there are rows, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;

describe("An SDK of the app's own", function () {
  this.timeout(TIMEOUT_MS);
  let stage: OwnSdkStage;

  beforeEach(async () => {
    stage = await OwnSdkStage.open();
  });
  afterEach(() => stage.close());

  for (const [setup, options] of Object.entries(setups())) {
    for (const [what, intent] of Object.entries(INTENT)) {
      it(`has every span, once, and its sampler the say: ${setup}, with ${what}`, async () => {
        await stage.run(options, intent(stage.ofVariables));
        stage.assertOwn();
        assert.deepEqual(stage.client(stage.ofVariables.spans), []);
      });
    }
  }

  for (const name of ['node-sdk.cjs', 'provider-register.cjs', 'provider-global.cjs']) {
    it(`has every span from its start on, and ours those before: ${name}, started after the first calls`, async () => {
      const { upstream, ofVariables } = stage;
      const running = stage.start({}, ofVariables.env);
      await running.call(`${upstream.url}/before`, 4);
      await running.call(`${upstream.url}/kept`, KEPT, { setup: own(name) });
      await running.call(`${upstream.url}/dropped`, KEPT);
      await stage.end(running);
      stage.assertOwn();
      const before = stage.client(ofVariables.spans).map(({ attributes }) => attributes['url.full']);
      assert.deepEqual(before, Array(4).fill(`${upstream.url}/before`));
    });
  }

  for (const flag of ['--require', '--import']) {
    for (const order of ['before', 'after'] as const) {
      for (const [what, intent] of Object.entries(INTENT)) {
        it(`is that of auto-instrumentations by ${flag} ${order} us, with ${what}: one CLIENT span a call`, async () => {
          const flags = [flag, '@opentelemetry/auto-instrumentations-node/register'];
          const { OTEL_EXPORTER_OTLP_PROTOCOL = '' } = stage.ofVariables.env;
          // Where the variables name no collector, those of the app do.
          const ends = { ...intent(stage.ofVariables), OTEL_EXPORTER_OTLP_PROTOCOL };
          const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${stage.ofVariables.url}/v1/traces` };
          const running = stage.start({ [order]: flags }, { ...ends, ...traces });
          await running.call(`${stage.upstream.url}/kept`, 26);
          await stage.end(running);
          assert.equal(stage.client(stage.ofVariables.spans).length, 26);
        });
      }
    }
  }

  for (const [what, options] of Object.entries({
    'a NodeSDK in its code': { env: { APP_SETUP: own('node-sdk.cjs') } },
    'a logger of its own, set before': { before: ['--require', own('diag-logger.cjs')] },
    'a logger of its own, set when ours is there': { env: { APP_SETUP: own('diag-logger.cjs') } },
  })) {
    it(`may ask for diagnostics by OTEL_LOG_LEVEL without a word about a second logger: ${what}`, async () => {
      const running = stage.start(options, { ...stage.ofVariables.env, OTEL_LOG_LEVEL: 'warn' });
      await running.call(`${stage.upstream.url}/kept`, KEPT);
      await stage.end(running);
      assert.equal(stage.client([...stage.collector.spans, ...stage.ofVariables.spans]).length, KEPT);
    });
  }

  it('may be one for logs alone: it gets the logs, ours the rest', async () => {
    const { collector, ofVariables, upstream } = stage;
    upstream.status = 503;
    const policy = { OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5' };
    const running = stage.start({ env: { APP_SETUP: own('logs-only.cjs') } }, { ...stage.ofVariables.env, ...policy });
    await running.call(`${stage.upstream.url}/kept`, 5);
    await stage.end(running);
    assert.equal(stage.client(ofVariables.spans).length, 5);
    assert.deepEqual(collector.spans, []);
    assert.ok(ofVariables.series('resilience.execution.duration').length > 0);
    assert.deepEqual(
      collector.logs.map(({ eventName }) => eventName),
      ['resilience.circuit_breaker.state_change', 'resilience.upstream.health_change'],
    );
    assert.deepEqual(ofVariables.logs, []);
  });
});
