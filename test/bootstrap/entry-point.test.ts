import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';

const run = promisify(execFile);
const ENTRY_POINT = path.resolve(__dirname, '../../src/bootstrap/entry-point.js');
const HAS_HOOKS = Number(process.versions.node.split('.')[0]) >= 24;

describe('onEntryPoint', () => {
  let folder = '';
  const file = (name: string, text: string): string => {
    const full = path.join(folder, name);
    writeFileSync(full, text);
    return full;
  };

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'entry-point-'));
    file(
      'ours.cjs',
      `require(${JSON.stringify(ENTRY_POINT)}).onEntryPoint(() => console.log('entered'));console.log('ours')`,
    );
    file('other.cjs', "console.log('other')");
    file('app.js', "console.log('app')");
    file('app.mjs', "console.log('app')");
    file('index.js', "console.log('app')");
    file('worker.cjs', "new (require('worker_threads').Worker)(__dirname + '/app.js')");
    symlinkSync(path.join(folder, 'app.js'), path.join(folder, 'link.js'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const lines = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, args, { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } });
    return stdout.trim().split('\n').join(' ');
  };

  for (const main of ['app.js', './app.js', 'app', '.', 'link.js', 'app.mjs']) {
    it(`runs after all preloads and before ${main}`, async () => {
      const seen = await lines('-r', './ours.cjs', '-r', './other.cjs', main);
      assert.equal(seen, 'ours other entered app');
    });
  }

  it('runs once when main is a symbolic link that is kept', async () => {
    assert.equal(await lines('--preserve-symlinks-main', '-r', './ours.cjs', 'link.js'), 'ours entered app');
  });

  it('runs when we are imported, where Node has a way', async () => {
    const seen = await lines('--import', './ours.cjs', '--import', './other.cjs', './app.js');
    assert.equal(seen, HAS_HOOKS ? 'ours other entered app' : 'ours other app');
  });

  it('runs in a worker as well', async () => {
    assert.equal(await lines('-r', './ours.cjs', './worker.cjs'), 'ours entered ours entered app');
  });

  it('does nothing where there is no main module', async () => {
    assert.equal(await lines('-r', './ours.cjs', '-e', "console.log('app')"), 'ours app');
  });

  it('gets on with an asynchronous loader', async () => {
    const register = `data:text/javascript,import { register } from 'node:module'; register('data:text/javascript,export const x = 1')`;
    const seen = await lines('--no-warnings', '-r', './ours.cjs', '--import', register, './app.mjs');
    // On some versions the thread of the loader runs the preloads, too.
    assert.equal(seen.replaceAll(/ ?ours ?/g, ' ').trim(), 'entered app');
  });
});
