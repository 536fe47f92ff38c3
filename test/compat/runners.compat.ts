import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { installedTool } from './install.ts';
import { appEnv } from './shop.ts';
import { runsHere, type ToolName } from './tools.ts';
import { UnsteadyUpstream } from './unsteady-upstream.ts';

const run = promisify(execFile);
const INSTALL_MS = 600_000;
const REGISTER = 'node_modules/opentelemetry-instrumentation-resilience/build/src/register.js';

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

const RUNNERS: ReadonlyArray<readonly [ToolName, string, readonly string[]]> = [
  ['jest-30', 'jest/bin/jest.js', ['--json', '--testMatch', '**/unit/*.test.cjs', '--rootDir', '.']],
  ['vitest-4', 'vitest/vitest.mjs', ['run', '--reporter=json', '--globals', '--pool=forks', '--dir', 'unit']],
  ['vitest-4', 'vitest/vitest.mjs', ['run', '--reporter=json', '--globals', '--pool=threads', '--dir', 'unit']],
];

for (const [name, program, flags] of RUNNERS.filter(([name]) => runsHere(name))) {
  describe(`tests run by ${name} ${flags.find((flag) => flag.startsWith('--pool')) ?? ''}`, function () {
    this.timeout(60_000);
    let folder: string;
    let upstream: UnsteadyUpstream;

    before(async function () {
      this.timeout(INSTALL_MS);
      folder = await installedTool(name);
    });
    beforeEach(async () => {
      upstream = await UnsteadyUpstream.start();
    });
    afterEach(() => upstream.close());

    const results = async (env: Record<string, string>): Promise<Results> => {
      const all = appEnv({ UPSTREAM: upstream.url, ...env });
      const args = [path.join(folder, 'node_modules', program), ...flags];
      const { stdout } = await run(process.execPath, args, { cwd: folder, env: all }).catch((failed) => failed);
      const { numPassedTests, numFailedTests } = JSON.parse(stdout) as Results;
      return { numPassedTests, numFailedTests };
    };

    for (const [policy, env] of [
      ['the default policy', {}],
      [
        'retry and a fallback',
        { OTEL_RESILIENCE_CONFIG_FILE: path.join(__dirname, '../../../test/compat/fixtures/standard.yaml') },
      ],
    ] as const) {
      it(`pass as without us, with ${policy}`, async () => {
        const preload = { NODE_OPTIONS: `--require "${path.join(folder, REGISTER)}"` };
        assert.deepEqual(await results({ ...preload, ...env }), await results({}));
        assert.ok((await results({})).numPassedTests > 0);
      });
    }
  });
}
