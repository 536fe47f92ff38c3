import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { AppUnderTest, cleanEnv } from '../e2e/app-under-test.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { installedAlone, installedApp, NODE, pack, SDK_LINES } from './install.ts';

const run = promisify(execFile);
const ROOT = path.resolve(__dirname, '../../..');
/** An installation from a registry, the first time. */
const INSTALL_MS = 300_000;
/** From the folder of an app. */
const BIN = path.join('node_modules', '.bin', 'otel-resilience');
const CHANGE = 'resilience.circuit_breaker.state_change';

let packed: Awaited<ReturnType<typeof pack>>;
before(async function () {
  this.timeout(INSTALL_MS);
  packed = await pack();
});
after(() => packed.dispose());

for (const [line, { node }] of Object.entries(SDK_LINES)) {
  if (NODE < node) continue;
  describe(`the packed package, installed beside the SDK ${line}`, function () {
    this.timeout(60_000);
    let folder: string;
    let receiver: OtlpReceiver;
    let upstream: Upstream;
    let app: AppUnderTest | undefined;

    before(async function () {
      this.timeout(INSTALL_MS);
      folder = await installedApp(line, packed.tarball);
    });
    beforeEach(async () => {
      receiver = await OtlpReceiver.start();
      upstream = await Upstream.start();
      upstream.status = 503;
    });
    afterEach(async () => {
      await app?.end();
      await upstream.close();
      await receiver.close();
    });

    for (const [how, options] of Object.entries({
      'with one flag, and an SDK that it starts': {},
      'with one import of an ES module': { loading: '--import', module: 'mjs' },
      'as an instrumentation of an SDK in code': {
        loading: 'bare',
        before: ['--require', './setup/sdk-with-us-last.cjs'],
      },
      'with registerInstrumentations': {
        loading: 'bare',
        before: ['--require', './setup/register-instrumentations.cjs'],
      },
      'with an SDK that the app starts late': { env: { OTEL_RESILIENCE_SDK: 'off', APP_SETUP: './setup/sdk.cjs' } },
    } as const)) {
      for (const client of ['http.get', 'fetch']) {
        it(`works ${how}, for ${client}`, async () => {
          const extra = 'env' in options ? options.env : {};
          const env = { OTEL_RESILIENCE_CIRCUIT_BREAKER_MINIMUM_CALLS: '5', ...receiver.env, ...extra };
          app = new AppUnderTest({ ...options, client, folder, env });
          const outcomes = await app.call(upstream.url, 6, { span: 'caller' });
          assert.deepEqual(outcomes.slice(0, 5), Array(5).fill(503));
          assert.match(String(outcomes[5]), /ERR_RESILIENCE_CIRCUIT_OPEN/);
          assert.equal(upstream.requests, 5);
          assert.deepEqual([await app.end(), app.stderr], [0, '']);
          const ours = receiver.spans.filter(({ name }) => name === 'resilience.execute default');
          assert.equal(ours.length, 2);
          const [tripped] = ours;
          const tree = [...receiver.tree(tripped?.traceId ?? '')].sort();
          assert.deepEqual(tree, ['  CLIENT GET', '  INTERNAL resilience.execute default', 'INTERNAL caller']);
          assert.ok(tripped?.events.some(({ name }) => name === CHANGE));
          const logs = receiver.logs.filter(({ eventName }) => eventName === CHANGE);
          assert.deepEqual(
            logs.map(({ traceId, spanId }) => [traceId, spanId]),
            [[tripped?.traceId, tripped?.spanId]],
          );
          assert.equal(receiver.series('resilience.rejections')[0]?.value, 1);
          const durations = receiver.series('resilience.execution.duration').map(({ count }) => count);
          assert.deepEqual(durations.sort(), [1, 5]);
        });
      }
    }

    it('shows and steers circuits by its API', async () => {
      const { stdout } = await run(process.execPath, ['api.mjs', upstream.url], { cwd: folder, env: cleanEnv() });
      const refused = 'CircuitOpenError,ERR_RESILIENCE_CIRCUIT_OPEN,true,true';
      assert.deepEqual(stdout.trim().split('\n'), [
        'before 0 undefined',
        'closed closed 503',
        `forced forced_open ${refused} ${refused}`,
        'forced forced_closed 503 503 503',
        `reset closed 503 503 ${refused}`,
        `upstream ${upstream.url} default 1 {"circuit_open":3}`,
        'circuit open 2',
        'forgotten 0 503 503',
        'disabled 0 503 503',
      ]);
    });

    it('runs the demo by its command, with traces', async () => {
      const { stdout } = await run(BIN, ['demo'], { cwd: folder, env: cleanEnv() });
      assert.match(stdout, /OTLP to a receiver in this process/);
      assert.match(stdout, /Trace of the visit that opened the circuit/);
    });

    for (const [module, resolution] of [
      ['node16', 'node16'],
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ] as const) {
      it(`has types for a consumer under moduleResolution ${resolution}`, async () => {
        const file = path.join(folder, 'consumer.ts');
        cpSync(path.join(ROOT, 'test/package/fixtures/consumer.txt'), file);
        const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2023'];
        const types = ['--typeRoots', path.join(ROOT, 'node_modules/@types'), '--types', 'node'];
        const modules = ['--module', module, '--moduleResolution', resolution, '--ignoreConfig'];
        const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
        const args = [tsc, ...options, ...types, ...modules, file];
        // What tsc has to complain about is on stdout.
        const { stdout } = await run(process.execPath, args, { cwd: folder }).catch(({ stdout }) => ({ stdout }));
        rmSync(file);
        assert.equal(stdout, '');
      });
    }
  });
}

describe('the packed package, installed alone', function () {
  this.timeout(INSTALL_MS);
  let folder: string;

  before(async () => {
    folder = await installedAlone(packed.tarball);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('runs the demo by its command, and says what is missing for traces', async () => {
    const { stdout } = await run(BIN, ['demo'], { cwd: folder, env: cleanEnv() });
    assert.match(stdout, /@opentelemetry\/sdk-node is not installed here/);
    assert.match(stdout, /calls of the app: \d+ answered, \d+ failed, \d+ rejected/);
  });

  it('runs its command where it is not installed', async () => {
    const elsewhere = mkdtempSync(path.join(os.tmpdir(), 'resilience-npx-'));
    const args = ['--yes', '--package', packed.tarball, 'otel-resilience', 'schema'];
    const { stdout } = await run('npx', args, { cwd: elsewhere, env: cleanEnv() });
    rmSync(elsewhere, { recursive: true });
    assert.deepEqual(JSON.parse(stdout), JSON.parse(readFileSync(path.join(ROOT, 'config.schema.json'), 'utf8')));
  });

  it('explains the environment', async () => {
    const env = { ...cleanEnv(), OTEL_RESILIENCE_PRESET: 'standard' };
    const { stdout } = await run(BIN, ['explain', 'GET', 'https://api.example.com/'], { cwd: folder, env });
    assert.match(stdout, /^preset +standard +environment$/m);
  });
});
