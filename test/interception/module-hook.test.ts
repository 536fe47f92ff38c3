import assert from 'node:assert/strict';
import Module from 'node:module';
import { afterEach, describe, it } from 'mocha';
import { onRequire } from '../../src/interception/module-hook.ts';

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

  it('hears of each module that was required, and leaves nothing behind', () => {
    const before = Object.getOwnPropertyDescriptor(Module.prototype, 'require');
    const { name, length } = holder.require;
    listen();
    assert.equal(holder.require.name, name);
    assert.equal(holder.require.length, length);
    const exports = here().require('node:path');
    assert.equal(typeof (exports as { join?: unknown }).join, 'function');
    assert.deepEqual(seen, ['node:path']);
    for (const undo of undos.splice(0)) undo();
    assert.deepEqual(Object.getOwnPropertyDescriptor(Module.prototype, 'require'), before);
  });

  it('stays outside of what is assigned later, which runs below it, once', () => {
    listen();
    const order: string[] = [];
    for (const name of ['first', 'second']) {
      const original = holder.require;
      holder.require = function patched(this: unknown, id: string): unknown {
        order.push(name);
        // A patch that needs a module itself.
        if (name === 'second' && id !== 'node:os') here().require('node:os');
        return Reflect.apply(original, this, [id]);
      };
    }
    here().require('node:path');
    assert.deepEqual(order, ['second', 'second', 'first', 'first']);
    assert.deepEqual(seen, ['node:os', 'node:path']);
    assert.throws(() => here().require('./nowhere'), { code: 'MODULE_NOT_FOUND' });
    seen.length = 0;
    here().require('node:path');
    assert.deepEqual(seen, ['node:os', 'node:path']);
  });
});
