import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Chaos, type ChaosChange } from '../../../src/strategies/chaos/chaos.ts';
import type { ChaosOptions } from '../../../src/strategies/chaos/options.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/simulated-server.ts';

const RESET: ChaosOptions = [{ rate: 1, fault: { kind: 'error', code: 'ECONNRESET' } }];
const SLOW: ChaosOptions = [{ rate: 1, fault: { kind: 'latency', latencyMs: 2_000 } }];

function chaos(standing: ChaosOptions, random: () => number = () => 0) {
  const clock = new ManualClock();
  const changes: ChaosChange[] = [];
  return { clock, changes, chaos: new Chaos(standing, { clock, random, onChange: (change) => changes.push(change) }) };
}

const states = (changes: readonly ChaosChange[]): string[] => changes.map(({ state }) => state);

describe('Chaos', () => {
  it('injects nothing and tells nothing while nobody has armed it', () => {
    const { chaos: one, changes, clock } = chaos([]);
    assert.equal(one.pick(), undefined);
    assert.equal(one.snapshot(clock.now()), undefined);
    assert.deepEqual(changes, []);
    one.disarm();
    assert.deepEqual(changes, []);
  });

  it('injects as often as it is told', () => {
    const { chaos: one } = chaos([{ rate: 0.25, fault: { kind: 'status', status: 503 } }], seededRandom(1));
    let hits = 0;
    for (let i = 0; i < 10_000; i++) if (one.pick() !== undefined) hits++;
    assert.ok(hits > 2_300 && hits < 2_700, `${hits}`);
  });

  it('ends by itself, and tells of both', () => {
    const { chaos: one, changes, clock } = chaos([]);
    one.arm(RESET, 60_000);
    assert.deepEqual(one.pick(), RESET[0]?.fault);
    clock.advance(20_000);
    assert.equal(one.snapshot(clock.now())?.remainingMs, 40_000);
    clock.advance(40_000);
    assert.equal(one.pick(), undefined);
    assert.deepEqual(states(changes), ['started', 'ended']);
    assert.equal(clock.pending, 0);
  });

  it('does not keep the process up', () => {
    const { chaos: one, clock } = chaos([]);
    one.arm(RESET, 60_000);
    assert.equal(clock.pendingThatHoldTheProcess, 0);
  });

  it('takes the place of what was armed before, and goes back to the faults of the policy', () => {
    const { chaos: one, changes, clock } = chaos(SLOW);
    one.arm(RESET, 10_000);
    one.arm(RESET, 30_000);
    clock.advance(10_000);
    assert.deepEqual(one.pick(), RESET[0]?.fault);
    one.disarm();
    assert.deepEqual(one.pick(), SLOW[0]?.fault);
    assert.equal(one.snapshot(clock.now())?.remainingMs, undefined);
    assert.deepEqual(states(changes), ['started', 'ended', 'started', 'ended', 'started', 'ended', 'started']);
    assert.equal(clock.pending, 0);
  });
});
