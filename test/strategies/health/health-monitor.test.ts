import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { HealthMonitor } from '../../../src/strategies/health/health-monitor.ts';
import type { HealthOptions } from '../../../src/strategies/health/options.ts';

const OPTIONS: HealthOptions = { window: 20, minimumCalls: 10, threshold: 0.5, probeIntervalMs: 5_000 };

class Lab {
  readonly changes: Array<[state: string, errorRatio: number]> = [];
  readonly monitor: HealthMonitor;

  constructor(options: Partial<HealthOptions> = {}) {
    this.monitor = new HealthMonitor({ ...OPTIONS, ...options }, (state, ratio) => this.changes.push([state, ratio]));
  }

  record(failed: boolean, times: number): this {
    for (let i = 0; i < times; i++) this.monitor.record(failed);
    return this;
  }
}

describe('health monitor', () => {
  it('has no error ratio before the first call, and one from then on', () => {
    const { monitor } = new Lab();
    assert.deepEqual([monitor.calls, monitor.errorRatio, monitor.unhealthy], [0, undefined, false]);
    monitor.record(true);
    monitor.record(false);
    assert.deepEqual([monitor.calls, monitor.errorRatio], [2, 0.5]);
  });

  it('turns unhealthy above the threshold, not at it', () => {
    const lab = new Lab().record(false, 5).record(true, 5);
    assert.equal(lab.monitor.unhealthy, false);
    lab.record(true, 1);
    assert.equal(lab.monitor.unhealthy, true);
    assert.deepEqual(lab.changes, [['unhealthy', 6 / 11]]);
  });

  it('says nothing of the health of fewer calls than the minimum', () => {
    const lab = new Lab().record(true, 9);
    assert.deepEqual([lab.monitor.unhealthy, lab.changes], [false, []]);
    lab.record(true, 1);
    assert.deepEqual(lab.changes, [['unhealthy', 1]]);
  });

  it('forgets calls beyond its window, and tells of the recovery once', () => {
    const lab = new Lab().record(true, 100).record(false, 9);
    assert.equal(lab.monitor.unhealthy, true);
    lab.record(false, 50);
    assert.deepEqual(lab.changes, [
      ['unhealthy', 1],
      ['healthy', 0.5],
    ]);
    assert.deepEqual([lab.monitor.calls, lab.monitor.errorRatio], [20, 0]);
  });

  it('diverts nothing while healthy', () => {
    assert.equal(new Lab().record(false, 20).monitor.failover(0), false);
  });

  it('diverts while unhealthy, except one call per interval', () => {
    const { monitor } = new Lab().record(true, 10);
    const diverted = [0, 1, 4_999, 5_000, 5_001, 9_999, 10_000, 60_000, 60_001].map((nowMs) => monitor.failover(nowMs));
    assert.deepEqual(diverted, [true, true, true, false, true, true, false, false, true]);
  });

  it('begins a new interval when it turns unhealthy again', () => {
    const lab = new Lab().record(true, 20);
    lab.monitor.failover(0);
    lab.record(false, 20).record(true, 20);
    assert.equal(lab.monitor.failover(100_000), true);
  });

  it('keeps the latest calls under other options, and judges them anew', () => {
    const lab = new Lab().record(false, 6).record(true, 6);
    lab.monitor.reconfigure({ ...OPTIONS, window: 10 });
    assert.deepEqual([lab.monitor.calls, lab.changes], [10, [['unhealthy', 0.6]]]);
    lab.monitor.reconfigure({ ...OPTIONS, window: 10, threshold: 0.8 });
    assert.deepEqual(lab.changes.at(-1), ['healthy', 0.6]);
  });

  it('agrees with a list of all calls, and tells of every change once', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200, size: 'max' }), (outcomes) => {
        const lab = new Lab({ threshold: 0.4 });
        let unhealthy = false;
        let changes = 0;
        for (const [i, failed] of outcomes.entries()) {
          lab.monitor.record(failed);
          const last = outcomes.slice(Math.max(0, i - 19), i + 1);
          const ratio = last.filter(Boolean).length / last.length;
          const expected = last.length >= 10 && ratio > 0.4;
          if (expected !== unhealthy) changes++;
          unhealthy = expected;
          assert.deepEqual([lab.monitor.errorRatio, lab.monitor.unhealthy], [ratio, unhealthy]);
          assert.equal(lab.changes.length, changes);
        }
      }),
    );
  });
});
