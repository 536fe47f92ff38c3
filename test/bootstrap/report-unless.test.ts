import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { reportUnless } from '../../src/bootstrap/report-unless.ts';

describe('A report that may become untrue', () => {
  let clock: sinon.SinonFakeTimers;
  let settled: boolean;
  let said: number;
  const say = (): void => {
    said += 1;
  };
  let exitListeners: number;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    settled = false;
    said = 0;
    exitListeners = process.listenerCount('exit');
  });
  afterEach(() => {
    clock.restore();
    assert.equal(process.listenerCount('exit'), exitListeners);
  });

  it('is made some seconds later, once', () => {
    reportUnless(() => settled, say);
    clock.tick(9_999);
    assert.equal(said, 0);
    clock.tick(60_000);
    assert.equal(said, 1);
  });

  it('is not made if it is untrue by then', () => {
    reportUnless(() => settled, say);
    settled = true;
    clock.tick(60_000);
    assert.equal(said, 0);
  });

  it('waits for use, and is not made of a process that makes none', () => {
    let use: (() => void) | undefined;
    reportUnless(
      () => settled,
      say,
      (task) => {
        use = task;
      },
    );
    clock.tick(60_000);
    assert.deepEqual([said, process.listenerCount('exit')], [0, exitListeners]);
    use?.();
    clock.tick(60_000);
    assert.equal(said, 1);
  });

  it('does not become the app’s problem', () => {
    reportUnless(() => {
      throw new Error('a broken API');
    }, say);
    clock.tick(60_000);
    assert.equal(said, 0);
  });
});
