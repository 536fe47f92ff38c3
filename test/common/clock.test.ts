import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { systemClock } from '../../src/common/clock.ts';

describe('systemClock', () => {
  afterEach(() => sinon.restore());

  it("goes by real time while a test's fake timers stand still", async () => {
    const fake = sinon.useFakeTimers();
    const before = systemClock.now();
    await new Promise<void>((resolve) => systemClock.schedule(resolve, 2, true));
    assert.ok(systemClock.now() > before);
    assert.equal(fake.countTimers(), 0);
  });

  it('is not hurried by fake timers that are advanced', async () => {
    const fake = sinon.useFakeTimers();
    let rung = false;
    const timer = systemClock.schedule(() => (rung = true), 60_000, false);
    await fake.tickAsync(120_000);
    assert.equal(rung, false);
    systemClock.cancel(timer);
  });

  it('works with timers that are plain numbers, as in jsdom', async () => {
    const file = require.resolve('../../src/common/clock.js');
    const { setTimeout: real } = globalThis;
    const loaded = require.cache[file];
    delete require.cache[file];
    const numbers = (callback: () => void, ms: number): number => Number(real(callback, ms)[Symbol.toPrimitive]());
    globalThis.setTimeout = numbers as unknown as typeof real;
    const { systemClock: clock } = require(file) as typeof import('../../src/common/clock.ts');
    globalThis.setTimeout = real;
    require.cache[file] = loaded;
    await new Promise<void>((resolve) => clock.schedule(resolve, 2, false));
    clock.cancel(clock.schedule(() => assert.fail('was cancelled'), 2, false));
  });
});
