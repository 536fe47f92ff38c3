import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CircuitOpenError } from '../../../src/errors.ts';
import { CircuitBreaker } from '../../../src/strategies/circuit-breaker/circuit-breaker.ts';
import { CALL, Lab, OPTIONS } from './harness.ts';

describe('a rejection of the circuit breaker', () => {
  it('makes an error with the time to the next probe and the numbers', () => {
    const lab = new Lab();
    lab.run('success').run('failure', 4).wait(400);
    const rejection = lab.reject();
    assert.equal(rejection.reason, 'circuit_open');
    const error = rejection.toError();
    assert.ok(error instanceof CircuitOpenError);
    assert.equal(error.retryAfterMs, 600);
    assert.equal(error.message, 'circuit of orders is open (4 of 5 attempts failed, next probe in 600 ms)');
  });

  it('names the endpoint when it is not the primary', () => {
    const breaker = new CircuitBreaker('orders/backup:443', OPTIONS, {
      upstream: 'orders',
      nowMs: 0,
      random: () => 0.5,
      onTransition: () => {},
    });
    breaker.forceOpen(0);
    const admission = breaker.acquire(CALL, 0);
    assert.ok(admission.kind === 'rejection');
    const error = admission.toError();
    assert.equal(error.upstream, 'orders');
    assert.equal(error.message, 'circuit of orders is open (orders/backup:443: forced open)');
  });

  it('tells each reason to be open apart', () => {
    const slow = new Lab({ slowCall: { durationMs: 100, ratio: 0.8 } }).run('success', 5, 200);
    assert.match(slow.reject().toError().message, /5 of 5 attempts were slow, next probe in 1 s/);
    const consecutive = new Lab({ consecutiveFailures: 2 }).run('failure', 2);
    assert.match(consecutive.reject().toError().message, /2 failures in a row, next/);
    const reopened = new Lab().tripAndWait().run('failure');
    assert.match(reopened.reject().toError().message, /a probe failed, opened 2 times in a row, next probe in 2 s/);
    const halfOpen = new Lab().tripAndWait().run('success');
    halfOpen.admit();
    assert.match(halfOpen.reject().toError().message, /half-open, all its probes are running, 1 succeeded so far/);
  });
});

describe('a closed circuit', () => {
  it('gives every attempt the same permit while slow attempts do not matter', () => {
    const lab = new Lab();
    assert.equal(lab.admit(), lab.admit());
  });

  it('judges slowness by the time to the head, not by the body', () => {
    const lab = new Lab({ slowCall: { durationMs: 100, ratio: 0.8 } });
    for (let i = 0; i < 5; i++) {
      const permit = lab.admit();
      permit.responded?.(lab.wait(100).now);
      permit.release('success', lab.wait(10_000).now);
    }
    assert.equal(lab.state, 'closed');
  });

  it('counts a failure without a head as slow by the time it took', () => {
    const lab = new Lab({ failureRatio: 1, slowCall: { durationMs: 100, ratio: 0.8 } });
    lab.run('success').run('failure', 4, 101);
    assert.deepEqual(lab.story, ['closed > open: slow_call_ratio']);
  });

  it('counts slow failures as failures too', () => {
    const lab = new Lab({ slowCall: { durationMs: 100, ratio: 1 } });
    lab.run('success').run('failure', 4, 101);
    assert.deepEqual(lab.story, ['closed > open: failure_ratio']);
  });

  it('counts no slowness of an ignored attempt', () => {
    const lab = new Lab({ slowCall: { durationMs: 100, ratio: 0.1 } });
    lab.run('ignored', 20, 5_000);
    assert.deepEqual([lab.state, lab.breaker.snapshot(lab.now).counted], ['closed', 0]);
  });
});

describe('the open time', () => {
  /** Opens, and comes back to closed; returns how long it was open. */
  function cycle(lab: Lab): number {
    while (lab.state === 'closed') lab.run('failure');
    const openMs = lab.breaker.snapshot(lab.now).retryAfterMs;
    lab.wait(openMs).run('success', 2);
    assert.equal(lab.state, 'closed');
    return openMs;
  }

  it('grows with each failed probe', () => {
    const lab = new Lab().tripAndWait();
    const times = [1, 2, 3].map(() => {
      lab.run('failure');
      const openMs = lab.breaker.snapshot(lab.now).retryAfterMs;
      lab.wait(openMs);
      return openMs;
    });
    assert.deepEqual(times, [2_000, 4_000, 8_000]);
  });

  it('goes on growing when the circuit trips soon after it closed', () => {
    const lab = new Lab();
    assert.deepEqual([cycle(lab), cycle(lab), cycle(lab)], [1_000, 2_000, 4_000]);
  });

  it('starts over after a count window of calls stayed closed', () => {
    const lab = new Lab();
    cycle(lab);
    assert.equal(cycle(lab.run('success', 10)), 1_000);
  });

  it('goes on growing when the call that fills the window trips it', () => {
    const lab = new Lab({ window: { type: 'count', size: 5 } });
    assert.deepEqual([cycle(lab), cycle(lab)], [1_000, 2_000]);
  });

  it('starts over after a time window stayed closed, and not a moment before', () => {
    const window = { type: 'time', durationMs: 30_000, buckets: 10 } as const;
    const early = new Lab({ window });
    cycle(early);
    assert.equal(cycle(early.wait(29_999)), 2_000);
    const late = new Lab({ window });
    cycle(late);
    assert.equal(cycle(late.wait(30_000)), 1_000);
  });

  it('starts over after a reset', () => {
    const lab = new Lab();
    cycle(lab);
    lab.breaker.reset(lab.now);
    assert.equal(cycle(lab), 1_000);
  });

  it('varies by the jitter', () => {
    const lab = new Lab({ open: { ...OPTIONS.open, jitter: 0.2 } }, () => 0);
    lab.trip();
    assert.equal(lab.breaker.snapshot(lab.now).retryAfterMs, 800);
  });
});

describe('a half-open circuit', () => {
  it('lets as many probes through at a time as it may, and rejects the others', () => {
    const lab = new Lab({ halfOpen: { maxConcurrent: 3, successes: 5, leaseMs: 500 } }).tripAndWait();
    const probes = [lab.admit(), lab.admit(), lab.admit()];
    lab.reject();
    assert.equal(lab.breaker.snapshot(lab.now).retryAfterMs, 0);
    probes[1]?.release('success', lab.now);
    lab.admit();
    lab.reject();
  });

  it('takes a probe whose body still streams at the end of its lease for a success', () => {
    const lab = new Lab().tripAndWait();
    const probe = lab.admit();
    probe.responded?.(lab.wait(499).now);
    lab.wait(1).run('success');
    assert.equal(lab.state, 'closed');
    probe.release('failure', lab.now); // the stream dies later: a matter of the past
    assert.equal(lab.breaker.snapshot(lab.now).failures, 0);
  });

  it('takes a head that comes after the lease as too late', () => {
    const lab = new Lab().tripAndWait();
    lab.admit().responded?.(lab.wait(500).now);
    assert.deepEqual(lab.story.slice(2), ['half_open > open: probe_failed']);
  });

  it('dates a failed lease to its end, not to when somebody looked', () => {
    const lab = new Lab().tripAndWait();
    lab.admit();
    lab.wait(500 + 1_500);
    assert.equal(lab.breaker.snapshot(lab.now).retryAfterMs, 500);
    lab.wait(500).admit();
    assert.deepEqual(lab.story.slice(2), ['half_open > open: probe_failed', 'open > half_open: open_elapsed']);
  });

  it('ends the leases in the order they end, though a later lease may be shorter', () => {
    const halfOpen = { maxConcurrent: 2, successes: 1, leaseMs: 500 };
    const lab = new Lab({ halfOpen }).tripAndWait();
    lab.admit(); // hangs; its lease ends last
    lab.breaker.reconfigure({ ...OPTIONS, halfOpen: { ...halfOpen, leaseMs: 100 } }, lab.now);
    lab.admit().responded?.(lab.now);
    assert.equal(lab.wait(5_000).state, 'closed');
  });
});

describe('a forced circuit', () => {
  it('rejects everything while forced open, and says no time', () => {
    const lab = new Lab();
    lab.breaker.forceOpen(lab.now);
    const error = lab.wait(3_600_000).reject().toError();
    assert.equal((error as CircuitOpenError).retryAfterMs, 0);
    assert.equal(error.message, 'circuit of orders is open (forced open)');
  });

  it('still counts for the eye while forced closed', () => {
    const lab = new Lab();
    lab.breaker.forceClosed(lab.now);
    lab.run('failure', 6);
    const { state, failureRatio, counted } = lab.breaker.snapshot(lab.now);
    assert.deepEqual([state, failureRatio, counted], ['forced_closed', 1, 6]);
  });

  it('settles what is over before it is forced', () => {
    const lab = new Lab().tripAndWait();
    lab.admit();
    lab.wait(500).breaker.forceClosed(lab.now);
    assert.deepEqual(lab.story.slice(2), ['half_open > open: probe_failed', 'open > forced_closed: manual']);
  });

  it('pays no onResponse to attempts from before the reset', () => {
    const lab = new Lab();
    const permit = lab.admit();
    lab.breaker.reset(lab.now);
    permit.release('failure', lab.now);
    assert.equal(lab.breaker.snapshot(lab.now).counted, 0);
  });
});

describe('a snapshot of the circuit breaker', () => {
  it('has a failure ratio from the minimum of calls on', () => {
    const lab = new Lab().run('success', 3).run('failure');
    assert.equal(lab.breaker.snapshot(lab.now).failureRatio, undefined);
    lab.run('failure');
    assert.deepEqual(lab.breaker.snapshot(lab.now), {
      state: 'closed',
      failureRatio: 0.4,
      counted: 5,
      failures: 2,
      retryAfterMs: 0,
      sinceMs: lab.now,
      outageMs: 0,
      rejectedInOutage: 0,
    });
  });

  it('shows what is in the window now, not what was when last recorded', () => {
    const lab = new Lab({ window: { type: 'time', durationMs: 30_000, buckets: 10 } });
    lab.run('failure', 4).wait(40_000);
    assert.equal(lab.breaker.snapshot(lab.now).counted, 0);
  });

  it('has no ratio of nothing', () => {
    const lab = new Lab({ minimumCalls: 0 });
    assert.equal(lab.breaker.snapshot(lab.now).failureRatio, undefined);
  });
});

describe('the outage that a circuit breaker shows', () => {
  it('lasts from its first opening until it closes, over all its probes, and counts what was refused', () => {
    const lab = new Lab();
    const shown = () => {
      const { state, sinceMs, outageMs, rejectedInOutage } = lab.breaker.snapshot(lab.now);
      return [state, sinceMs, outageMs, rejectedInOutage];
    };
    lab.trip();
    lab.now += 400;
    lab.reject();
    lab.reject();
    assert.deepEqual(shown(), ['open', 400, 400, 2]);
    lab.now += 700;
    assert.deepEqual(shown(), ['half_open', 100, 1_100, 2]);
    lab.run('failure');
    lab.now += 50;
    lab.reject();
    assert.deepEqual(shown(), ['open', 50, 1_150, 3]);
    lab.breaker.reset(lab.now);
    lab.now += 30;
    assert.deepEqual(shown(), ['closed', 30, 0, 0]);
  });
});

describe('other options for a running circuit breaker', () => {
  it('keep an open circuit open, and its time', () => {
    const lab = new Lab().trip();
    lab.breaker.reconfigure({ ...OPTIONS, open: { ...OPTIONS.open, durationMs: 9_000 } }, lab.now);
    assert.equal(lab.breaker.snapshot(lab.now).retryAfterMs, 1_000);
  });

  it('apply to what comes after', () => {
    const lab = new Lab().run('failure', 3);
    lab.breaker.reconfigure({ ...OPTIONS, minimumCalls: 4 }, lab.now);
    assert.equal(lab.state, 'closed');
    lab.run('failure');
    assert.equal(lab.state, 'open');
  });

  it('keep the latest outcomes when a count window changes its size', () => {
    const lab = new Lab().run('failure', 4);
    lab.breaker.reconfigure({ ...OPTIONS, window: { type: 'count', size: 50 } }, lab.now);
    assert.equal(lab.breaker.snapshot(lab.now).failures, 4);
  });

  it('empty a window of another kind', () => {
    const lab = new Lab().run('failure', 4);
    lab.breaker.reconfigure({ ...OPTIONS, window: { type: 'time', durationMs: 1_000, buckets: 5 } }, lab.now);
    assert.equal(lab.breaker.snapshot(lab.now).counted, 0);
  });

  it('may begin and cease to watch for slow attempts while some are running', () => {
    const lab = new Lab();
    const untimed = lab.admit();
    lab.breaker.reconfigure({ ...OPTIONS, slowCall: { durationMs: 100, ratio: 0.8 } }, lab.now);
    const timed = lab.admit();
    untimed.release('success', lab.wait(200).now);
    lab.breaker.reconfigure(OPTIONS, lab.now);
    timed.responded?.(lab.now);
    timed.release('success', lab.now);
    assert.deepEqual([lab.state, lab.breaker.snapshot(lab.now).counted], ['closed', 2]);
  });
});
