import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { Intake } from '../compat/intake.ts';
import { INTENT, KEPT, OwnSdkStage, setups } from '../e2e/own-sdk-stage.ts';
import { installedApp, installedWith, NODE, pack, SDK_LINES } from './install.ts';

const INSTALL_MS = 300_000;

let packed: Awaited<ReturnType<typeof pack>>;
before(async function () {
  this.timeout(INSTALL_MS);
  packed = await pack();
});
after(() => packed.dispose());

for (const [line, { node, packages }] of Object.entries(SDK_LINES)) {
  if (NODE < node) continue;
  describe(`the packed package and an SDK ${line} of the app's own`, function () {
    this.timeout(60_000);
    let folder: string;
    let stage: OwnSdkStage;
    before(async function () {
      this.timeout(INSTALL_MS);
      folder = await installedApp(line, packed.tarball);
    });
    beforeEach(async () => {
      stage = await OwnSdkStage.open();
    });
    afterEach(() => stage.close());

    for (const [setup, options] of Object.entries(setups((name) => `./own-sdk/${name}`))) {
      // The newer line has no such class.
      if (setup.startsWith('NodeTracerProvider') && packages.includes('api@~1.10.0')) continue;
      for (const [what, intent] of Object.entries(INTENT)) {
        it(`give it every span, once, and its sampler the say: ${setup}, with ${what}`, async () => {
          await stage.run({ ...options, folder }, intent(stage.ofVariables));
          stage.assertOwn();
          assert.deepEqual(stage.client(stage.ofVariables.spans), []);
        });
      }
    }
  });
}

/** Of which packages of the SDK there are others beside it, and so whether ours can be started first. */
const SENTRY: Record<string, readonly string[]> = {
  alone: ['@opentelemetry/api@^1.9.0'],
  'beside an SDK to start': (SDK_LINES['2.x with api 1.9']?.packages ?? []).map((name) => `@opentelemetry/${name}`),
};

for (const major of [8, 9, 10]) {
  for (const [beside, packages] of Object.entries(SENTRY)) {
    describe(`the packed package and Sentry ${major}, ${beside}`, function () {
      this.timeout(60_000);
      let folder: string;
      let stage: OwnSdkStage;
      let sentry: Intake;
      before(async function () {
        this.timeout(INSTALL_MS);
        folder = await installedWith([`@sentry/node@^${major}`, ...packages], packed.tarball);
      });
      beforeEach(async () => {
        stage = await OwnSdkStage.open();
        sentry = await Intake.start();
      });
      afterEach(async () => {
        await stage.close();
        await sentry.close();
      });

      for (const [what, intent] of Object.entries(INTENT)) {
        it(`give it every span, once, with ${what}`, async () => {
          const dsn = { APP_SETUP: './own-sdk/sentry.cjs', SENTRY_DSN: `http://key@127.0.0.1:${sentry.port}/1` };
          const app = stage.start({ folder, env: dsn }, intent(stage.ofVariables));
          await app.call(`${stage.upstream.url}/kept`, KEPT, { span: 'caller' });
          await stage.end(app);
          const told = sentry.exports.flatMap(({ body }) => body.toString().match(/"op":"http\.client"/g) ?? []);
          assert.equal(told.length, KEPT);
          assert.deepEqual(stage.client(stage.ofVariables.spans), []);
        });
      }
    });
  }
}
