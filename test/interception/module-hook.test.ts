import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, it } from 'mocha';
import { onRequire } from '../../src/interception/module-hook.ts';

const run = promisify(execFile);
const REGISTER = path.resolve(__dirname, '../../src/register.js');

type Require = (this: unknown, id: string) => unknown;

describe('onRequire', () => {
  const holder = Module.prototype as unknown as { require: Require };
  const undos: Array<() => void> = [];
  const seen: string[] = [];
  const listen = (): void => void undos.push(onRequire((id) => seen.push(id)));
  const here = (): { require: Require } => new Module('here') as unknown as { require: Require };

  afterEach(() => {
    for (const undo of undos.splice(0)) undo();
    seen.length = 0;
  });

  it('leaves nothing behind', () => {
    const before = Object.getOwnPropertyDescriptor(Module.prototype, 'require');
    const { name, length } = holder.require;
    listen();
    assert.equal(holder.require.name, name);
    assert.equal(holder.require.length, length);
    for (const undo of undos.splice(0)) undo();
    assert.deepEqual(Object.getOwnPropertyDescriptor(Module.prototype, 'require'), before);
  });

  it('is not there at all between a caller and Node as long as nobody has patched require', () => {
    const before = holder.require;
    listen();
    assert.equal(holder.require, before);
    assert.equal(String(holder.require), String(before));
  });

  it('hears of a file when it is loaded, by the name of its package', () => {
    listen();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'module-hook-'));
    const file = path.join(folder, 'node_modules/@a/b/lib/c.js');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    here().require(file);
    rmSync(folder, { recursive: true });
    assert.deepEqual(seen, ['@a/b/lib/c.js']);
  });

  it('stays outside of what is assigned, before and later, each of which runs once', () => {
    const original = holder.require;
    const order: string[] = [];
    const patch = (name: string): void => {
      const below = holder.require;
      holder.require = function patched(this: unknown, id: string): unknown {
        order.push(name);
        // A patch that needs a module itself.
        if (name === 'second' && id !== 'node:os') here().require('node:os');
        return Reflect.apply(below, this, [id]);
      };
    };
    patch('before');
    const patchedBefore = holder.require;
    listen();
    for (const name of ['first', 'second']) patch(name);
    here().require('node:path');
    assert.deepEqual(order, ['second', 'second', 'first', 'before', 'first', 'before']);
    assert.deepEqual(seen, ['node:os', 'node:path']);
    assert.throws(() => here().require('./nowhere'), { code: 'MODULE_NOT_FOUND' });
    holder.require = patchedBefore;
    for (const undo of undos.splice(0)) undo();
    assert.equal(holder.require, patchedBefore);
    holder.require = original;
  });

  it('lets a patch be taken back by assigning what was there before it', () => {
    listen();
    const before = holder.require;
    for (const answer of ['first', 'second']) {
      const below = holder.require;
      holder.require = () => answer;
      const patched = holder.require;
      assert.equal(here().require('node:path'), answer);
      holder.require = below;
      assert.notEqual(here().require('node:path'), answer);
      holder.require = patched;
    }
    holder.require = before;
    assert.equal(holder.require, before);
    assert.equal(here().require('node:path'), path);
  });

  it('gives a module that is assigned a require of its own just that, and no other module', () => {
    listen();
    const one = here();
    one.require = () => 'mine';
    assert.equal(one.require('node:path'), 'mine');
    assert.equal(here().require('node:path'), path);
    const plain = { configurable: true, enumerable: true, writable: true, value: one.require };
    assert.deepEqual(Object.getOwnPropertyDescriptor(one, 'require'), plain);
    class Sub extends Module {}
    Sub.prototype.require = Object.assign(() => 'subclass', { ...require });
    assert.equal(new Sub('sub').require('node:path'), 'subclass');
    assert.equal(here().require('node:path'), path);
  });

  for (const inPackage of [true, false]) {
    it(`leaves Node's warning of a deprecated builtin as it is ${inPackage ? 'for a package' : 'for the app'}`, async () => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'module-hook-'));
      const file = path.join(folder, inPackage ? 'node_modules/dep/index.js' : 'own.js');
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, "require('punycode')");
      writeFileSync(path.join(folder, 'app.js'), `require(${JSON.stringify(file)})`);
      const warnings = async (...flags: string[]): Promise<string[]> => {
        const { stderr } = await run(process.execPath, [...flags, path.join(folder, 'app.js')]);
        return stderr.match(/DEP\d+/g) ?? [];
      };
      const bare = await warnings();
      assert.deepEqual(await warnings('--require', REGISTER), bare);
      rmSync(folder, { recursive: true });
    });
  }
});
