import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { NODE_MAJOR } from './support/undici-module.ts';
import { Upstream } from './support/upstream.ts';

const PRELOAD = path.join(__dirname, 'support', 'counting-preload.js');

interface Report {
  readonly hosts: readonly string[];
  readonly errors: readonly string[];
  readonly loadedByUs: boolean;
  readonly sameShape: boolean;
  readonly sameFunction: boolean;
}

describe('loading under a preload', () => {
  let upstream: Upstream;
  before(async () => {
    upstream = await Upstream.start(200);
  });
  after(() => upstream.stop());

  /** Runs an app; `URL1` is the upstream. */
  async function run(
    source: string,
    options: { esm?: boolean; flags?: string[]; late?: boolean } = {},
  ): Promise<Report> {
    const flags = ['--no-warnings', '--require', PRELOAD, ...(options.flags ?? [])];
    const type = options.esm === true ? 'module' : 'commonjs';
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, `--input-type=${type}`, '-e', source], {
      env: { ...process.env, URL1: upstream.origin, ...(options.late === true ? { PATCH_LATE: '1' } : {}) },
    });
    const report = JSON.parse(String(stdout.trim().split('\n').at(-1))) as Report;
    assert.deepEqual(report.errors, []);
    return report;
  }

  const covered = (report: Report): void => assert.deepEqual(report.hosts, [`127.0.0.1:${upstream.port}`]);

  it('covers the very first fetch, and loads nothing before it', async () => {
    const report = await run('fetch(process.env.URL1).then((r) => r.text())');
    covered(report);
    assert.equal(report.loadedByUs, false);
    assert.equal(report.sameShape, true);
    assert.equal(report.sameFunction, true);
  });

  it('leaves fetch replaceable before its first use', async () => {
    const report = await run('globalThis.fetch = () => 1; if (fetch() !== 1) throw 1');
    assert.deepEqual(report.hosts, []);
  });

  it('covers a fetch that was kept before its first use, every time', async () => {
    covered(
      await run(
        'const kept = fetch; (async () => { await (await kept(process.env.URL1)).text(); await (await kept(process.env.URL1)).text() })()',
      ),
    );
  });

  it('rejects a fetch without arguments as fetch does', async () => {
    await run('fetch().then(() => process.exit(1), (e) => { if (!(e instanceof TypeError)) process.exit(1) })');
  });

  it('covers fetch after Node’s copy was loaded by something else', async () => {
    covered(await run("new Request('http://x/'); fetch(process.env.URL1).then((r) => r.text())"));
  });

  for (const version of ['5', '6', '7']) {
    it(`covers undici ${version} by require, and fetch after it`, async () => {
      covered(await run(`require('undici${version}').request(process.env.URL1).then((r) => r.body.text())`));
      covered(await run(`require('undici${version}'); fetch(process.env.URL1).then((r) => r.text())`));
    });

    it(`covers undici ${version} by named import`, async () => {
      covered(
        await run(`import { request } from 'undici${version}'; await (await request(process.env.URL1)).body.text()`, {
          esm: true,
        }),
      );
    });

    it(`covers undici ${version} under fetch’s own global dispatcher`, async () => {
      covered(
        await run(
          `new Request('http://x/'); require('undici${version}').request(process.env.URL1).then((r) => r.body.text())`,
        ),
      );
    });

    it(`covers undici ${version} loaded before the patch`, async () => {
      covered(
        await run(
          `const u = require('undici${version}'); const a = new u.Agent(); globalThis[Symbol.for('test.patchLate')](); u.request(process.env.URL1, { dispatcher: a }).then((r) => r.body.text())`,
          { late: true },
        ),
      );
    });
  }

  if (NODE_MAJOR >= 22) {
    it('covers undici 8 by require and by named import, and fetch after it', async () => {
      covered(await run("require('undici8').request(process.env.URL1).then((r) => r.body.text())"));
      covered(await run("require('undici8'); fetch(process.env.URL1).then((r) => r.text())"));
      covered(
        await run("import { request } from 'undici8'; await (await request(process.env.URL1)).body.text()", {
          esm: true,
        }),
      );
    });
  }

  it('covers a named import under the loader of OpenTelemetry', async () => {
    const flags = ['--experimental-loader=@opentelemetry/instrumentation/hook.mjs'];
    const source = "import { request } from 'undici6'; await (await request(process.env.URL1)).body.text()";
    covered(await run(source, { esm: true, flags }));
  });

  it('finds Node’s copy late, when it opens a connection', async () => {
    covered(
      await run(
        `const kept = fetch; globalThis[Symbol.for('test.patchLate')]();
         (async () => { await (await kept(process.env.URL1)).text(); await (await kept(process.env.URL1)).text() })()`,
        { late: true },
      ),
    );
  });
});
