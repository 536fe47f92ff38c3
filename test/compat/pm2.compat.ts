import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { installedTool } from './install.ts';
import { appEnv } from './shop.ts';

const run = promisify(execFile);
const INSTALL_MS = 600_000;

describe('under pm2', function () {
  this.timeout(60_000);
  let folder: string;
  /** Of a daemon of this test's own. */
  let home: string;

  before(async function () {
    this.timeout(INSTALL_MS);
    folder = await installedTool('pm2-7');
  });
  beforeEach(() => {
    home = mkdtempSync(path.join(os.tmpdir(), 'compat-pm2-'));
  });
  afterEach(async () => {
    const { daemon } = pm2(folder, home);
    await daemon('kill');
    rmSync(home, { recursive: true, force: true });
  });

  for (const [mode, instances] of [
    ['fork', 1],
    ['cluster', 2],
  ] as const) {
    it(`is loaded by node_args with a path in ${mode} mode, wherever the daemon was started`, async () => {
      const report = path.join(home, 'report.txt');
      writeFileSync(report, '');
      const { register, daemon } = pm2(folder, home);
      const app = {
        name: 'shop',
        script: path.join(folder, 'pm2-app.cjs'),
        cwd: folder,
        exec_mode: mode,
        instances,
        node_args: `--require ${register}`,
        env: { REPORT: report },
      };
      const config = path.join(home, 'ecosystem.config.js');
      writeFileSync(config, `module.exports = ${JSON.stringify({ apps: [app] })}`);
      const started = lines(report, instances);
      await daemon('start', config);
      assert.deepEqual(await started, Array(instances).fill('shop true'));
    });
  }
});

function pm2(folder: string, home: string) {
  const env = appEnv({ PM2_HOME: home });
  const program = path.join(folder, 'node_modules/pm2/bin/pm2');
  return {
    register: path.join(folder, 'node_modules/opentelemetry-instrumentation-resilience/dist/register.js'),
    daemon: (...args: string[]) => run(process.execPath, [program, ...args], { env, cwd: os.tmpdir() }),
  };
}

/** The lines of a file once there are so many. */
async function lines(file: string, count: number): Promise<string[]> {
  const read = (): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const watcher = watch(file);
  try {
    await new Promise<void>((resolve) => {
      watcher.on('change', () => {
        if (read().length >= count) resolve();
      });
    });
    return read();
  } finally {
    watcher.close();
  }
}
