import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'mocha';
import { ALERT_TESTS, ALERTS } from './shipped.ts';
import { program } from './stage.ts';

interface Ran {
  readonly ok: boolean;
  readonly output: string;
}

function promtool(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program('PROMTOOL'), args, { timeout: 15_000 }, (error, stdout, stderr) =>
      resolve({ ok: error === null, output: stdout + stderr }),
    );
  });
}

/** The shipped tests, run with other rules. */
async function tested(rules: string): Promise<Ran> {
  const folder = mkdtempSync(path.join(tmpdir(), 'resilience-alerts-'));
  try {
    writeFileSync(path.join(folder, 'alerts.yml'), rules);
    writeFileSync(path.join(folder, 'alerts.test.yml'), readFileSync(ALERT_TESTS, 'utf8'));
    return await promtool('test', 'rules', path.join(folder, 'alerts.test.yml'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('promtool', () => {
  it('finds the rules well-formed', async () => {
    const { ok, output } = await promtool('check', 'rules', ALERTS);
    assert.ok(ok, output);
    assert.match(output, /SUCCESS: 7 rules found/);
  });

  it('sees each alert fire and clear as its test says', async () => {
    const { ok, output } = await promtool('test', 'rules', ALERT_TESTS);
    assert.ok(ok, output);
  });

  it('would notice an alert that took observe mode for an outage', async () => {
    const mistaken = readFileSync(ALERTS, 'utf8').replaceAll('resilience_mode!="observe",', '');
    const { ok, output } = await tested(mistaken);
    assert.equal(ok, false);
    assert.match(output, /ResilienceCircuitOpen/);
  });

  it('would notice if an alert never fired', async () => {
    const { ok, output } = await tested(readFileSync(ALERTS, 'utf8').replace('> 0.5', '> 1'));
    assert.equal(ok, false);
    assert.match(output, /ResilienceCircuitOpen/);
  });
});
