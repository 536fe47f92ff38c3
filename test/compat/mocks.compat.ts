import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { installedTool } from './install.ts';
import { appEnv, REGISTER } from './shop.ts';
import { runsHere, type ToolName } from './tools.ts';
import { UnsteadyUpstream } from './unsteady-upstream.ts';

const run = promisify(execFile);
const INSTALL_MS = 600_000;
const STANDARD = { OTEL_RESILIENCE_CONFIG_FILE: './standard.yaml' };

const MOCKS: ReadonlyArray<readonly [ToolName, string]> = [
  ['nock-13', 'nock'],
  ['nock-14', 'nock'],
  ['msw-2', 'msw'],
  ['undici-7', 'MockAgent'],
];

for (const [name, mock] of MOCKS.filter(([name]) => runsHere(name))) {
  describe(`with calls mocked by ${mock} (${name})`, function () {
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

    const outcomes = async (flags: readonly string[], env: Record<string, string>, times = 1): Promise<string[]> => {
      const args = [...flags, 'mocked.cjs', mock, String(times)];
      // nock knows fetch from version 14 on.
      const covered = name === 'nock-13' ? { CLIENTS: 'http with a callback,http with an event' } : {};
      const options = { cwd: folder, env: appEnv({ UPSTREAM: upstream.url, ...covered, ...env }) };
      const { stdout } = await run(process.execPath, args, options);
      return stdout.trim().split('\n');
    };

    it('changes nothing by the default policy', async () => {
      assert.deepEqual(await outcomes(['--require', REGISTER], {}), await outcomes([], {}));
    });

    it('lets every call settle with retry and a fallback, and every good answer through', async () => {
      const bare = await outcomes([], {});
      const expected = bare.map((line) =>
        /\/(?:down|error): /.test(line) ? `${line.split(': ')[0]}: 203 degraded` : line,
      );
      const got = await outcomes(['--require', REGISTER], STANDARD);
      // Whether a mock's failures are seen at all depends on where it stands; those that are get the fallback.
      const either = got.map((line, index) => (line === bare[index] ? line : expected[index]));
      assert.deepEqual(got, either);
      assert.equal(got.length, bare.length);
    });

    it('opens no circuit when switched off, however many mocked failures there are', async () => {
      const off = { OTEL_RESILIENCE_ENABLED: 'false' };
      assert.deepEqual(await outcomes(['--require', REGISTER], off, 15), await outcomes([], {}, 15));
    });
  });
}
