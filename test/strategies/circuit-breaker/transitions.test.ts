import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { CircuitBreakerOptions } from '../../../src/strategies/circuit-breaker/options.ts';
import { Lab } from './harness.ts';

interface Case {
  readonly sentence: string;
  readonly options?: Partial<CircuitBreakerOptions>;
  readonly act: (lab: Lab) => void;
  readonly story: readonly string[];
  readonly state: string;
}

const TRIPPED = 'closed > open: failure_ratio';
const ELAPSED = 'open > half_open: open_elapsed';
const CLOSED = 'half_open > closed: probes_succeeded';
const REOPENED = 'half_open > open: probe_failed';

const CASES: readonly Case[] = [
  {
    sentence: 'stays closed below the minimum of calls, even if all fail',
    act: (lab) => lab.run('failure', 4),
    story: [],
    state: 'closed',
  },
  {
    sentence: 'opens with the failure that makes the minimum',
    act: (lab) => lab.run('failure', 5),
    story: [TRIPPED],
    state: 'open',
  },
  {
    sentence: 'opens when exactly the ratio has failed',
    act: (lab) => lab.run('success', 5).run('failure', 5),
    story: [TRIPPED],
    state: 'open',
  },
  {
    sentence: 'stays closed below the ratio',
    act: (lab) => lab.run('success', 6).run('failure', 4),
    story: [],
    state: 'closed',
  },
  {
    sentence: 'opens at 55 of 100 with a ratio of 0.55, which floating point puts a little above 55',
    options: { window: { type: 'count', size: 100 }, minimumCalls: 100, failureRatio: 0.55 },
    act: (lab) => lab.run('success', 45).run('failure', 55),
    story: [TRIPPED],
    state: 'open',
  },
  {
    sentence: 'opens after failures in a row, below the minimum of calls',
    options: { consecutiveFailures: 3 },
    act: (lab) => lab.run('failure', 3),
    story: ['closed > open: consecutive_failures'],
    state: 'open',
  },
  {
    sentence: 'begins to count failures in a row again after a success',
    options: { consecutiveFailures: 3 },
    act: (lab) => lab.run('failure', 2).run('success').run('failure'),
    story: [],
    state: 'closed',
  },
  {
    sentence: 'does not let an ignored attempt interrupt failures in a row',
    options: { consecutiveFailures: 3 },
    act: (lab) => lab.run('failure', 2).run('ignored').run('failure'),
    story: ['closed > open: consecutive_failures'],
    state: 'open',
  },
  {
    sentence: 'opens when the ratio of slow attempts is reached, though all succeed',
    options: { slowCall: { durationMs: 100, ratio: 0.8 } },
    act: (lab) => lab.run('success').run('success', 4, 101),
    story: ['closed > open: slow_call_ratio'],
    state: 'open',
  },
  {
    sentence: 'reads half-open once the open time is over, without a transition before a call comes',
    act: (lab) => lab.trip().wait(1_000),
    story: [TRIPPED],
    state: 'half_open',
  },
  {
    sentence: 'reads open until the open time is over',
    act: (lab) => lab.trip().wait(999),
    story: [TRIPPED],
    state: 'open',
  },
  {
    sentence: 'becomes half-open with the first call after the open time',
    act: (lab) => lab.tripAndWait().admit(),
    story: [TRIPPED, ELAPSED],
    state: 'half_open',
  },
  {
    sentence: 'stays half-open with one success too few',
    act: (lab) => lab.tripAndWait().run('success'),
    story: [TRIPPED, ELAPSED],
    state: 'half_open',
  },
  {
    sentence: 'closes with the last success it needs',
    act: (lab) => lab.tripAndWait().run('success', 2),
    story: [TRIPPED, ELAPSED, CLOSED],
    state: 'closed',
  },
  {
    sentence: 'opens again with the first failed probe, whatever succeeded before',
    act: (lab) => lab.tripAndWait().run('success').run('failure'),
    story: [TRIPPED, ELAPSED, REOPENED],
    state: 'open',
  },
  {
    sentence: 'stays half-open when a probe is ignored, and lets the next one through',
    act: (lab) => lab.tripAndWait().run('ignored').run('ignored').run('success'),
    story: [TRIPPED, ELAPSED],
    state: 'half_open',
  },
  {
    sentence: 'begins the next half-open state without the successes of the last one',
    act: (lab) => lab.tripAndWait().run('success').run('failure').wait(2_000).run('success'),
    story: [TRIPPED, ELAPSED, REOPENED, ELAPSED],
    state: 'half_open',
  },
  {
    sentence: 'begins the next closed state with an empty window',
    act: (lab) => lab.tripAndWait().run('success', 2).run('failure', 4),
    story: [TRIPPED, ELAPSED, CLOSED],
    state: 'closed',
  },
  {
    sentence: 'is forced open from any state, and stays so however long',
    act: (lab) => lab.breaker.forceOpen(lab.wait(1).now),
    story: ['closed > forced_open: manual'],
    state: 'forced_open',
  },
  {
    sentence: 'is forced closed from open, and stays so whatever fails',
    act(lab) {
      lab.trip().breaker.forceClosed(lab.now);
      lab.run('failure', 50);
    },
    story: [TRIPPED, 'open > forced_closed: manual'],
    state: 'forced_closed',
  },
  {
    sentence: 'lets a probe through at once when it is told to, and closes on its success',
    act(lab) {
      lab.trip().breaker.probeNow(lab.now);
      lab.run('success', 3);
    },
    story: [TRIPPED, 'open > half_open: manual', CLOSED],
    state: 'closed',
  },
  {
    sentence: 'opens again when the probe that it was told to make fails',
    act(lab) {
      lab.trip().breaker.probeNow(lab.now);
      lab.run('failure');
    },
    story: [TRIPPED, 'open > half_open: manual', REOPENED],
    state: 'open',
  },
  {
    sentence: 'probes from forced open when it is told to, and not from closed',
    act(lab) {
      lab.breaker.probeNow(lab.now);
      lab.breaker.forceOpen(lab.now);
      lab.breaker.probeNow(lab.now);
    },
    story: ['closed > forced_open: manual', 'forced_open > half_open: manual'],
    state: 'half_open',
  },
  {
    sentence: 'is automatic again, closed and empty, after a reset',
    act(lab) {
      lab.breaker.forceClosed(lab.now);
      lab.run('failure', 50).breaker.reset(lab.now);
      lab.run('failure', 4);
    },
    story: ['closed > forced_closed: manual', 'forced_closed > closed: manual'],
    state: 'closed',
  },
  {
    sentence: 'says nothing when it is forced into the state it is forced into already',
    act(lab) {
      lab.breaker.forceOpen(lab.now);
      lab.breaker.forceOpen(lab.now);
    },
    story: ['closed > forced_open: manual'],
    state: 'forced_open',
  },
  {
    sentence: 'says nothing when a closed circuit is reset, but forgets what it counted',
    act(lab) {
      lab.run('failure', 4).breaker.reset(lab.now);
      lab.run('failure', 4);
    },
    story: [],
    state: 'closed',
  },
];

describe('circuit breaker transitions', () => {
  for (const { sentence, options, act, story, state } of CASES) {
    it(sentence, () => {
      const lab = new Lab(options);
      act(lab);
      assert.deepEqual(lab.story, story);
      assert.equal(lab.state, state);
    });
  }

  it('say the failure ratio they were decided on, and none where the window had no say', () => {
    const lab = new Lab();
    lab.run('success').run('failure', 4).wait(1_000).run('failure');
    assert.deepEqual(
      lab.transitions.map((t) => t.failureRatio),
      [0.8, undefined, undefined],
    );
  });

  it('say the failure ratio of slow attempts that opened the circuit', () => {
    const lab = new Lab({ slowCall: { durationMs: 100, ratio: 0.8 } });
    lab.run('failure', 1, 200).run('success', 4, 200);
    assert.deepEqual(lab.transitions, [
      { state: 'open', previousState: 'closed', reason: 'slow_call_ratio', failureRatio: 0.2 },
    ]);
  });
});
