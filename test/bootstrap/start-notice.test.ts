import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'mocha';
import { PACKAGE_VERSION } from '../../src/version.ts';
import { FIXTURES } from '../e2e/app-under-test.ts';
import { OURS, runApp } from '../e2e/run-app.ts';

/** An app that does nothing. */
const APP = path.join(FIXTURES, 'setup/flush.cjs');
const LOGGER = path.join(FIXTURES, 'own-sdk/diag-logger.cjs');

describe('The line that says what was started', function () {
  this.timeout(30_000);

  it('goes to the logger of OpenTelemetry’s diagnostics as information', async () => {
    const env = { APP_DIAG_LEVEL: 'INFO', OTEL_RESILIENCE_MODE: 'observe' };
    const { code, stdout, stderr } = await runApp(APP, { preloads: ['--require', LOGGER, ...OURS], env });
    assert.deepEqual([code, stderr], [0, '']);
    const said = `version ${PACKAGE_VERSION} in mode observe; policies: default (environment and defaults); SDK: none (no_intent)`;
    assert.ok(stdout.includes(said), stdout);
  });

  it('is the first object of the JSON log', async () => {
    const { code, stderr } = await runApp(APP, { env: { OTEL_RESILIENCE_LOG: 'json' } });
    assert.equal(code, 0);
    const [line, ...others] = stderr.trim().split('\n');
    assert.deepEqual(others, []);
    const { timestamp, ...told } = JSON.parse(line ?? '') as { timestamp: string };
    assert.ok(!Number.isNaN(Date.parse(timestamp)));
    assert.deepEqual(told, {
      severity: 'INFO',
      event: 'resilience.started',
      message: 'started in mode enforce',
      attributes: {
        version: PACKAGE_VERSION,
        mode: 'enforce',
        policies: ['default'],
        source: 'environment and defaults',
        sdk: 'none (no_intent)',
      },
    });
  });

  it('is kept from the console otherwise', async () => {
    for (const log of ['auto', 'off']) {
      const { code, stdout, stderr } = await runApp(APP, { env: { OTEL_RESILIENCE_LOG: log } });
      assert.deepEqual([code, stdout, stderr], [0, '', '']);
    }
  });
});
