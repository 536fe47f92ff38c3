import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { CallResult, ObservedCall } from '../../src/engine/events.ts';
import type { UpstreamSnapshot } from '../../src/engine/snapshot.ts';
import { MAX_POINTS } from '../../src/status/history.ts';
import { Recorder } from '../../src/status/recorder.ts';
import type { EventMessage } from '../../src/telemetry/event-channel.ts';
import { RecordingListener } from '../support/recording-listener.ts';
import { NO_OUTAGE, NO_RESULTS } from '../support/snapshots.ts';

const snapshot = (upstream: string, policy = 'default'): UpstreamSnapshot => ({
  policy,
  upstream,
  mode: 'enforce',
  circuits: [
    { name: upstream, state: 'closed', failureRatio: 1 / 3, counted: 3, failures: 1, retryAfterMs: 0, ...NO_OUTAGE },
  ],
  errorRatio: undefined,
  unhealthy: false,
  counted: 0,
  calls: 0,
  results: NO_RESULTS,
  rejections: {},
  retries: {},
  hedges: {},
  fallbacks: {},
  admission: undefined,
  bulkhead: undefined,
  retryBudget: undefined,
});

let nowMs: number;
let upstreams: UpstreamSnapshot[];
let inner: RecordingListener;
let recorder: Recorder;
let end: (result: CallResult, durationMs: number, upstream?: string) => void;

beforeEach(() => {
  nowMs = 0;
  upstreams = [snapshot('a')];
  inner = new RecordingListener();
  recorder = new Recorder({
    resilience: { upstreams: () => upstreams, circuit: () => undefined, reset: () => {} },
    intervalMs: 1000,
    actions: false,
    now: () => nowMs,
    wallClock: () => 1_000_000 + nowMs,
  });
  recorder.on = true;
  const tap = recorder.tap(inner);
  end = (result, durationMs, upstream = 'a') => {
    upstreams = upstreams.map((each) =>
      each.upstream === upstream ? { ...each, results: { ...each.results, [result]: each.results[result] + 1 } } : each,
    );
    tap.callEnded({ policy: 'default', upstream, result } as ObservedCall, durationMs);
  };
});

describe('The limits of an upstream', () => {
  it('are told as they are now', () => {
    const bulkhead = { executing: 3, queued: 0, maxConcurrent: 12, maxQueue: 0, adaptive: { min: 5, max: 1_000 } };
    upstreams = [{ ...snapshot('a'), admission: { probability: 1 / 3 }, bulkhead }, snapshot('b')];
    const [limited, free] = recorder.document().upstreams;
    assert.deepEqual([limited?.admission, limited?.bulkhead], [{ probability: 0.3333 }, bulkhead]);
    assert.deepEqual([free?.admission, free?.bulkhead], [null, null]);
  });
});

function sample() {
  nowMs += 1000;
  return recorder.sample();
}

const transition = (state: 'open' | 'closed', traceId?: string): EventMessage => ({
  event: {
    type: 'circuit_state_changed',
    circuit: 'a',
    state,
    previousState: 'closed',
    reason: 'manual',
    failureRatio: undefined,
  },
  policy: 'default',
  upstream: 'a',
  mode: 'enforce',
  timestamp: 5,
  traceId,
  spanId: undefined,
  requestId: undefined,
});

describe('the recorder of the status page', () => {
  it('counts how calls end and turns counts into rates', () => {
    for (const result of ['success', 'success', 'failure', 'rejected', 'fallback'] as const) end(result, 10);
    nowMs = 1000; // the sample comes a second late
    const [first] = sample().upstreams;
    assert.deepEqual(first?.results, { success: 2, failure: 1, rejected: 1, fallback: 1 });
    assert.equal(first?.point.success, 1);
    assert.equal(first?.point.rejected, 0.5);
    assert.equal(sample().upstreams[0]?.point.success, 0);
  });

  it('leaves rejected calls out of the latency', () => {
    end('rejected', 0.1);
    assert.equal(sample().upstreams[0]?.latency, null);
    end('success', 100);
    assert.equal(sample().upstreams[0]?.latency?.count, 1);
  });

  it('passes everything on', () => {
    end('success', 7);
    assert.equal(inner.ended[0]?.durationMs, 7);
  });

  it('keeps nothing while no page is served', () => {
    recorder.on = false;
    end('success', 7);
    assert.equal(inner.ended.length, 1);
    assert.equal(recorder.document().upstreams[0]?.latency, null);
  });

  it('keeps the last points only, oldest first, and null for what came before an upstream', () => {
    for (let i = 0; i < MAX_POINTS; i++) sample();
    upstreams.push(snapshot('late'));
    end('success', 1, 'late');
    sample();
    const { sampledAt, upstreams: shown } = recorder.document();
    assert.equal(sampledAt.length, MAX_POINTS);
    assert.equal(sampledAt[0], 1_000_000 + 2_000);
    assert.equal(sampledAt.at(-1), 1_000_000 + nowMs);
    const late = shown[1]?.history.success ?? [];
    assert.equal(late.length, MAX_POINTS);
    assert.deepEqual(late.slice(-2), [null, 1]);
  });

  it('keeps 200 upstreams and counts the others', () => {
    upstreams = Array.from({ length: 250 }, (_, index) => snapshot(`u${index}`));
    const { upstreams: shown, omittedUpstreams } = sample();
    assert.equal(shown.length, 200);
    assert.equal(omittedUpstreams, 50);
  });

  it('forgets what the engine has forgotten, which makes room', () => {
    upstreams = Array.from({ length: 200 }, (_, index) => snapshot(`u${index}`));
    sample();
    upstreams = [snapshot('new'), snapshot('u0', 'other policy')];
    const { upstreams: shown, omittedUpstreams } = sample();
    assert.deepEqual(
      shown.map(({ upstream, policy }) => [upstream, policy]),
      [
        ['new', 'default'],
        ['u0', 'other policy'],
      ],
    );
    assert.equal(omittedUpstreams, 0);
  });

  it('keeps the last 200 changes with their trace ids, and no event of a single call', () => {
    const { event: _event, ...source } = transition('open');
    assert.equal(recorder.changed({ ...source, event: { type: 'call_rejected', reason: 'circuit_open' } }), undefined);
    for (let i = 0; i < 250; i++) recorder.changed(transition('open', `trace ${i}`));
    const { changes } = recorder.document();
    assert.equal(changes.length, 200);
    assert.deepEqual(
      [changes[0]?.traceId, changes.at(-1)?.traceId, changes.at(-1)?.id],
      ['trace 50', 'trace 249', 250],
    );
  });

  it('tells of a change of health like of one of a circuit', () => {
    const { event: _event, ...source } = transition('open');
    const change = recorder.changed({
      ...source,
      event: { type: 'health_changed', state: 'unhealthy', errorRatio: 0.51234 },
    });
    assert.deepEqual(
      [change?.type, change?.name, change?.previousState, change?.state, change?.ratio, change?.traceId],
      ['health', 'a', 'healthy', 'unhealthy', 0.5123, null],
    );
  });
});
