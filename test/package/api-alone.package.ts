import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { cleanEnv } from '../e2e/app-under-test.ts';
import { Upstream } from '../support/upstream.ts';
import { installedWith, pack } from './install.ts';

const run = promisify(execFile);
const FIXTURES = path.resolve(__dirname, '../../../test/package/fixtures');
const INSTALL_MS = 300_000;
const MISSING =
  'ResilienceInstrumentation needs the package @opentelemetry/instrumentation; install it beside @opentelemetry/api';
const EXPORTS = [
  'AdmissionError',
  'BulkheadFullError',
  'BulkheadTimeoutError',
  'CircuitOpenError',
  'RateLimitedError',
  'ResilienceError',
  'ResilienceInstrumentation',
  'TimeoutError',
  'getResilience',
  'instrument',
  'withRequestContext',
].join(' ');

describe('the packed package beside nothing but the OpenTelemetry API', function () {
  this.timeout(60_000);
  let folder: string;
  let packed: Awaited<ReturnType<typeof pack>>;
  let upstream: Upstream;

  before(async function () {
    this.timeout(INSTALL_MS);
    packed = await pack();
    folder = await installedWith(['@opentelemetry/api@^1.9.0'], packed.tarball);
    for (const name of ['every-export.cjs', 'every-export.mjs']) {
      cpSync(path.join(FIXTURES, name), path.join(folder, name));
    }
  });
  after(() => packed.dispose());
  beforeEach(async () => {
    upstream = await Upstream.start();
  });
  afterEach(() => upstream.close());

  const lines = async (...args: string[]): Promise<string[]> => {
    const { stdout, stderr } = await run(process.execPath, args, { cwd: folder, env: cleanEnv() });
    assert.equal(stderr, '');
    return stdout.trim().split('\n');
  };

  it('has every export work by require', async () => {
    assert.deepEqual(await lines('every-export.cjs', upstream.url), [
      EXPORTS,
      MISSING,
      'in context 200',
      'true true ERR_RESILIENCE_CIRCUIT_OPEN',
      'imported true',
    ]);
  });

  it('has every export work by import', async () => {
    assert.deepEqual(await lines('every-export.mjs'), [EXPORTS, '0 in context', MISSING]);
  });

  it('says once what to install when an SDK was asked for, and only if the app makes calls', async () => {
    const env = cleanEnv({ OTEL_SERVICE_NAME: 'shop' });
    const used = await run(process.execPath, ['every-export.cjs', upstream.url], { cwd: folder, env });
    assert.match(used.stderr, /^\S+: no OpenTelemetry SDK to start: npm install .*\n$/);
    assert.equal((await run(process.execPath, ['every-export.mjs'], { cwd: folder, env })).stderr, '');
  });
});
