import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CircuitBreaker } from '../../../src/strategies/circuit-breaker/circuit-breaker.ts';
import { CALL, Lab, OPTIONS } from './harness.ts';

/** Faults found in other circuit breakers, one test for each. */
describe('circuit breaker, faults of others:', () => {
  it('a late success of a call from before the opening does not close a half-open circuit', () => {
    const lab = new Lab({ halfOpen: { maxConcurrent: 1, successes: 1, leaseMs: 500 } });
    const late = lab.admit();
    lab.tripAndWait().admit();
    late.release('success', lab.now);
    assert.equal(lab.state, 'half_open');
  });

  it('a late failure of a call from before the opening does not re-open a half-open circuit', () => {
    const lab = new Lab();
    const late = lab.admit();
    lab.tripAndWait().admit();
    late.release('failure', lab.now);
    assert.equal(lab.state, 'half_open');
  });

  it('late failures of calls from before the opening are not counted once the circuit has closed again', () => {
    const lab = new Lab({ slowCall: { durationMs: 100_000, ratio: 1 } });
    const late = [1, 2, 3, 4, 5].map(() => lab.admit());
    lab.tripAndWait().run('success', 2).forgetStory();
    for (const permit of late) permit.release('failure', lab.now);
    assert.deepEqual([lab.story, lab.breaker.snapshot(lab.now).counted], [[], 0]);
  });

  it('a probe of an earlier half-open state has no say in a later one', () => {
    const lab = new Lab({ halfOpen: { maxConcurrent: 2, successes: 1, leaseMs: 60_000 } }).tripAndWait();
    const late = lab.admit();
    lab.run('failure').wait(2_000).admit();
    lab.forgetStory();
    late.release('success', lab.now);
    assert.deepEqual([lab.story, lab.state], [[], 'half_open']);
  });

  it('a probe that never ends does not keep the circuit half-open for ever', () => {
    const lab = new Lab().tripAndWait();
    lab.admit(); // never released
    lab.wait(499).reject();
    assert.equal(lab.wait(1).state, 'open');
    lab.wait(2_000).run('success', 2);
    assert.equal(lab.state, 'closed');
  });

  it('our own rejections and aborts never open the circuit', () => {
    const lab = new Lab().run('ignored', 100);
    assert.equal(lab.state, 'closed');
    lab.run('failure', 4).run('ignored', 100);
    assert.deepEqual([lab.state, lab.breaker.snapshot(lab.now).counted], ['closed', 4]);
  });

  it('rejections of an open circuit are not counted', () => {
    const lab = new Lab().trip();
    for (let i = 0; i < 100; i++) lab.reject();
    assert.equal(lab.breaker.snapshot(lab.now).counted, 5);
  });

  it("a caller's abort of a probe neither closes nor re-opens the circuit, and frees its slot", () => {
    const lab = new Lab({ halfOpen: { maxConcurrent: 1, successes: 1, leaseMs: 500 } }).tripAndWait();
    lab.run('ignored', 10);
    assert.equal(lab.state, 'half_open');
    lab.admit();
  });

  it('outcomes from before an idle hour are forgotten', () => {
    const lab = new Lab({ window: { type: 'time', durationMs: 30_000, buckets: 10 } });
    lab.run('success', 50).run('failure', 49).wait(3_600_000).run('failure', 4);
    assert.equal(lab.state, 'closed');
    lab.run('failure');
    assert.equal(lab.state, 'open'); // 5 of 5: the 50 successes do not stand in its way either
  });

  it('success is not declared at the head: a stream that dies is a failure', () => {
    const lab = new Lab();
    for (let i = 0; i < 5; i++) {
      const permit = lab.admit();
      permit.responded?.(lab.now);
      permit.release('failure', lab.wait(50).now);
    }
    assert.equal(lab.state, 'open');
    const probe = lab.wait(1_000).admit();
    probe.responded?.(lab.now);
    probe.release('failure', lab.wait(50).now);
    assert.deepEqual(lab.story.at(-1), 'half_open > open: probe_failed');
  });

  it('other options keep what was counted', () => {
    const lab = new Lab().run('failure', 4);
    lab.breaker.reconfigure({ ...OPTIONS, window: { type: 'count', size: 10 }, failureRatio: 0.6 }, lab.now);
    lab.run('failure');
    assert.equal(lab.state, 'open');
    const timed = new Lab({ window: { type: 'time', durationMs: 30_000, buckets: 10 } }).run('failure', 4);
    const window = { type: 'time', durationMs: 30_000, buckets: 10 } as const;
    timed.breaker.reconfigure({ ...OPTIONS, window, failureRatio: 0.6 }, timed.now);
    assert.equal(timed.breaker.snapshot(timed.now).failures, 4);
  });

  it('other options keep a running probe, its slot and its successes', () => {
    const lab = new Lab().tripAndWait().run('success');
    const probe = lab.admit();
    lab.breaker.reconfigure({ ...OPTIONS }, lab.now);
    lab.reject();
    probe.release('success', lab.now);
    assert.equal(lab.state, 'closed');
  });

  it('no timer is started', () => {
    const original = { setTimeout: globalThis.setTimeout, setInterval: globalThis.setInterval };
    let started = 0;
    const count = (() => ++started) as unknown as typeof setTimeout & typeof setInterval;
    Object.assign(globalThis, { setTimeout: count, setInterval: count });
    try {
      new Lab().tripAndWait().run('failure').wait(2_000).run('success', 2);
    } finally {
      Object.assign(globalThis, original);
    }
    assert.equal(started, 0);
  });
});

describe('circuit breaker, races:', () => {
  const halfOpen = { maxConcurrent: 3, successes: 1, leaseMs: 500 };

  it('a success does not close the circuit right after a concurrent failure re-opened it', () => {
    const lab = new Lab({ halfOpen }).tripAndWait();
    const [bad, good] = [lab.admit(), lab.admit()];
    bad.release('failure', lab.now);
    good.release('success', lab.now);
    assert.equal(lab.state, 'open');
  });

  it('concurrent failures of probes make one transition and one step of the exponent', () => {
    const lab = new Lab({ halfOpen }).tripAndWait();
    const probes = [lab.admit(), lab.admit(), lab.admit()];
    lab.forgetStory();
    for (const probe of probes) probe.release('failure', lab.now);
    assert.deepEqual(lab.story, ['half_open > open: probe_failed']);
    assert.equal(lab.breaker.snapshot(lab.now).retryAfterMs, 2_000);
  });

  it('leases that end together make one transition', () => {
    const lab = new Lab({ halfOpen }).tripAndWait();
    for (let i = 0; i < 3; i++) lab.admit();
    lab.wait(500).forgetStory();
    lab.breaker.snapshot(lab.now);
    assert.deepEqual(lab.story, ['half_open > open: probe_failed']);
  });

  it('a permit released twice counts once where it matters: a probe cannot close the circuit alone', () => {
    const lab = new Lab().tripAndWait();
    const probe = lab.admit();
    probe.release('success', lab.now);
    probe.release('success', lab.now);
    assert.equal(lab.state, 'half_open');
  });

  it('a listener that throws leaves the circuit whole, and no call pays for it', () => {
    const options = { ...OPTIONS, halfOpen: { maxConcurrent: 1, successes: 1, leaseMs: 500 } };
    let heard = 0;
    const breaker = new CircuitBreaker('orders', options, {
      upstream: 'orders',
      nowMs: 0,
      random: () => 0.5,
      onTransition() {
        heard++;
        throw new Error('listener');
      },
    });
    const end = (verdict: 'success' | 'failure', nowMs: number): void => {
      const admission = breaker.acquire(CALL, nowMs);
      assert.ok(admission.kind === 'permit');
      admission.release(verdict, nowMs);
    };
    for (let i = 0; i < 5; i++) end('failure', 0);
    assert.equal(breaker.state(0), 'open');
    end('success', 1_000);
    assert.equal(breaker.state(1_000), 'closed');
    assert.equal(heard, 3);
  });

  it('a listener sees the state it is told of, and may force another one at once', () => {
    const seen: string[] = [];
    const breaker: CircuitBreaker = new CircuitBreaker('orders', OPTIONS, {
      upstream: 'orders',
      nowMs: 0,
      random: () => 0.5,
      onTransition({ state }) {
        seen.push(`${state}=${breaker.state(1_000)}`);
        if (state === 'half_open') breaker.forceOpen(1_000);
      },
    });
    for (let i = 0; i < 5; i++) {
      const admission = breaker.acquire(CALL, 500);
      if (admission.kind === 'permit') admission.release('failure', 500);
    }
    assert.equal(breaker.acquire(CALL, 1_500).kind, 'rejection');
    assert.deepEqual(seen, ['open=open', 'half_open=half_open', 'forced_open=forced_open']);
  });
});
