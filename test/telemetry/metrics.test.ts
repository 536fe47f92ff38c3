import assert from 'node:assert/strict';
import { metrics as metricsApi } from '@opentelemetry/api';
import { metrics as sdkMetrics } from '@opentelemetry/sdk-node';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { UpstreamSnapshot } from '../../src/engine/snapshot.ts';
import { TELEMETRY_DEFAULTS, TelemetryListener } from '../../src/telemetry/listener.ts';
import { ATTRIBUTES, DURATION_BOUNDARIES, METRICS } from '../../src/telemetry/names.ts';
import { NO_OUTAGE } from '../support/snapshots.ts';
import { InMemorySdk, OPENED, ScriptedCall, snapshot, TestReader } from './harness.ts';

const UPSTREAM = 'http://users.test:8080';

/** Points as `attribute values` → value, attributes in the order of their names. */
function table(points: readonly { attributes: Record<string, unknown>; value: unknown }[]): Record<string, unknown> {
  return Object.fromEntries(
    points.map(({ attributes, value }) => [
      Object.keys(attributes)
        .sort()
        .map((name) => attributes[name])
        .join(' '),
      value,
    ]),
  );
}

describe('Metrics', () => {
  let sdk: InMemorySdk;
  let state: readonly UpstreamSnapshot[];

  beforeEach(() => {
    state = [];
    sdk = new InMemorySdk({ snapshots: () => state });
  });
  afterEach(() => sdk.stop());

  function end(call: ScriptedCall, durationMs = 40): void {
    sdk.listener.callStarted(call);
    sdk.listener.callEnded(call, durationMs);
  }

  it('record the duration of every call in seconds, by outcome and error', async () => {
    end(new ScriptedCall({ result: 'success' }), 40);
    end(new ScriptedCall({ result: 'success' }), 60);
    end(new ScriptedCall({ result: 'failure', errorType: '503' }), 10);
    end(new ScriptedCall({ result: 'fallback', fallbackSource: 'cache' }), 10);
    const points = await sdk.points('resilience.execution.duration');
    const values = points.map(({ attributes, value }) => {
      const { count, sum, buckets } = value as { count: number; sum: number; buckets: { boundaries: number[] } };
      assert.deepEqual(buckets.boundaries, DURATION_BOUNDARIES);
      return [attributes['resilience.outcome'], attributes['error.type'], count, Math.round(sum * 1000)];
    });
    assert.deepEqual(values, [
      ['success', undefined, 2, 100],
      ['failure', '503', 1, 10],
      ['fallback', undefined, 1, 10],
    ]);
  });

  it('touch nothing but the duration when a call succeeds', async () => {
    end(new ScriptedCall({ result: 'success' }));
    for (const metric of Object.values(METRICS)) {
      const points = await sdk.points(metric.name);
      assert.equal(points.length, metric.name === 'resilience.execution.duration' ? 1 : 0, metric.name);
    }
  });

  it('bound the error types of one upstream', async () => {
    for (let i = 0; i < 100; i++) end(new ScriptedCall({ result: 'failure', errorType: `E${i}` }));
    const points = await sdk.points('resilience.execution.duration');
    assert.equal(points.length, 31);
    const other = points.find(({ attributes }) => attributes['error.type'] === '_OTHER');
    assert.equal((other?.value as { count: number } | undefined)?.count, 70);
  });

  it('name 200 upstreams and add the others up', async () => {
    state = Array.from({ length: 203 }, (_, i) =>
      snapshot({
        upstream: `http://u${i}.test`,
        rejections: { circuit_open: 2 },
        errorRatio: i < 202 ? 0.5 : 1,
        calls: 10,
      }),
    );
    const rejections = table(await sdk.points('resilience.rejections'));
    assert.equal(Object.keys(rejections).length, 201);
    assert.equal(rejections['default circuit_open _OTHER'], 6);
    const ratios = table(await sdk.points('resilience.upstream.error_ratio'));
    assert.ok(Math.abs((ratios._OTHER as number) - 2 / 3) < 1e-9);
  });

  it('show one series per state of a circuit, 1 for the current one', async () => {
    const circuit = {
      name: UPSTREAM,
      state: 'open',
      failureRatio: 0.6,
      counted: 10,
      failures: 6,
      retryAfterMs: 5,
      ...NO_OUTAGE,
    } as const;
    state = [snapshot({ circuits: [circuit] })];
    assert.deepEqual(table(await sdk.points('resilience.circuit_breaker.status')), {
      [`${UPSTREAM} closed default`]: 0,
      [`${UPSTREAM} open default`]: 1,
      [`${UPSTREAM} half_open default`]: 0,
      [`${UPSTREAM} forced_open default`]: 0,
      [`${UPSTREAM} forced_closed default`]: 0,
    });
    assert.deepEqual(table(await sdk.points('resilience.circuit_breaker.failure_ratio')), {
      [`${UPSTREAM} default`]: 0.6,
    });
  });

  it('say nothing of a failure ratio below the minimum of calls', async () => {
    const circuit = {
      name: UPSTREAM,
      state: 'closed',
      failureRatio: undefined,
      counted: 2,
      failures: 2,
      retryAfterMs: 0,
      ...NO_OUTAGE,
    } as const;
    state = [snapshot({ circuits: [circuit] })];
    assert.deepEqual(await sdk.points('resilience.circuit_breaker.failure_ratio'), []);
  });

  it('add up what one upstream has under several policies, where the policy is no attribute', async () => {
    const bulkhead = { executing: 3, queued: 1, maxConcurrent: 10, maxQueue: 5 };
    state = [
      snapshot({
        policy: 'a',
        admission: { probability: 0.8 },
        bulkhead,
        retryBudget: 4,
        errorRatio: 1,
        calls: 10,
        unhealthy: true,
        retries: { '503': 1 },
      }),
      snapshot({
        policy: 'b',
        admission: { probability: 0 },
        bulkhead,
        retryBudget: 2,
        errorRatio: 0,
        calls: 30,
        retries: { '503': 2 },
      }),
    ];
    assert.deepEqual(table(await sdk.points('resilience.bulkhead.usage')), {
      [`executing ${UPSTREAM}`]: 6,
      [`queued ${UPSTREAM}`]: 2,
    });
    assert.deepEqual(table(await sdk.points('resilience.bulkhead.limit')), {
      [`executing ${UPSTREAM}`]: 20,
      [`queued ${UPSTREAM}`]: 10,
    });
    assert.deepEqual(table(await sdk.points('resilience.admission.rejection_probability')), { [UPSTREAM]: 0.2 });
    assert.deepEqual(table(await sdk.points('resilience.retry_budget.remaining')), { [UPSTREAM]: 6 });
    assert.deepEqual(table(await sdk.points('resilience.upstream.error_ratio')), { [UPSTREAM]: 0.25 });
    assert.deepEqual(table(await sdk.points('resilience.upstream.status')), {
      [`${UPSTREAM} healthy`]: 1,
      [`${UPSTREAM} unhealthy`]: 1,
    });
    assert.deepEqual(table(await sdk.points('resilience.retries')), {
      [`a 503 ${UPSTREAM}`]: 1,
      [`b 503 ${UPSTREAM}`]: 2,
    });
  });

  it('count transitions, and the time of those who waited', async () => {
    const call = new ScriptedCall();
    sdk.listener.callStarted(call);
    sdk.listener.event(OPENED, call, call);
    sdk.listener.event(OPENED, call, undefined);
    sdk.listener.event({ type: 'call_queued', waitedMs: 250 }, call, call);
    const [transitions] = await sdk.points('resilience.circuit_breaker.transitions');
    assert.equal(transitions?.value, 2);
    const expected = METRICS.circuitTransitions.attributes.map((key) => ATTRIBUTES[key].name);
    assert.deepEqual(Object.keys(transitions?.attributes ?? {}).sort(), expected.sort());
    const [wait] = await sdk.points('resilience.bulkhead.wait.duration');
    assert.equal((wait?.value as { sum: number } | undefined)?.sum, 0.25);
  });

  for (const mode of ['observe', 'enforce'] as const) {
    it(`${mode === 'observe' ? 'all say' : 'do not say'} that they are of mode ${mode}`, async () => {
      const circuit = { name: UPSTREAM, state: 'open', failureRatio: 0.6, counted: 10, failures: 6 } as const;
      state = [
        snapshot({
          mode,
          circuits: [{ ...circuit, retryAfterMs: 5, ...NO_OUTAGE }],
          errorRatio: 1,
          calls: 10,
          rejections: { circuit_open: 1 },
          retries: { '503': 1 },
          hedges: { won: 1 },
          fallbacks: { cache: 1 },
          admission: { probability: 0.2 },
          bulkhead: { executing: 3, queued: 1, maxConcurrent: 10, maxQueue: 5 },
          retryBudget: 4,
        }),
      ];
      const call = new ScriptedCall({ mode, result: 'failure', errorType: '503' });
      sdk.listener.callStarted(call);
      sdk.listener.event(OPENED, call, call);
      sdk.listener.event({ type: 'call_queued', waitedMs: 250 }, call, call);
      sdk.listener.callEnded(call, 40);
      for (const { name } of Object.values(METRICS)) {
        const points = await sdk.points(name);
        assert.ok(points.length > 0, name);
        for (const { attributes } of points) {
          assert.equal(attributes['resilience.mode'], mode === 'observe' ? 'observe' : undefined, name);
        }
      }
    });
  }

  it('leave the SDK when the listener is closed', async () => {
    state = [snapshot({ retryBudget: 3 })];
    sdk.listener.close();
    assert.deepEqual(await sdk.points('resilience.retry_budget.remaining'), []);
  });

  it('survive a source of state that throws', async () => {
    sdk.listener.close();
    const broken = new TelemetryListener({
      ...TELEMETRY_DEFAULTS,
      snapshots: () => {
        throw new Error('no state');
      },
    });
    broken.useMeterProvider(sdk.meterProvider);
    assert.deepEqual(await sdk.points('resilience.rejections'), []);
    broken.close();
  });
});

describe('Metrics of an app that registers its SDK late', () => {
  let listener: TelemetryListener;
  let reads: number;

  beforeEach(() => {
    reads = 0;
    const snapshots = () => {
      reads += 1;
      return [snapshot({ retryBudget: 7 })];
    };
    listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots });
  });
  afterEach(() => {
    listener.close();
    metricsApi.disable();
  });

  function call(): void {
    const made = new ScriptedCall({ result: 'success' });
    listener.callStarted(made);
    listener.callEnded(made, 5);
  }

  function register(): TestReader {
    const reader = new TestReader();
    metricsApi.disable();
    metricsApi.setGlobalMeterProvider(new sdkMetrics.MeterProvider({ readers: [reader] }));
    return reader;
  }

  async function pointsOf(reader: TestReader, name: string): Promise<number> {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return metrics.filter((m) => m.descriptor.name === name).flatMap((m): unknown[] => m.dataPoints).length;
  }

  it('bind to it at the next call, and move to its successor', async () => {
    call();
    const first = register();
    call();
    assert.equal(await pointsOf(first, 'resilience.execution.duration'), 1);
    assert.equal(await pointsOf(first, 'resilience.retry_budget.remaining'), 1);
    const second = register();
    call();
    assert.equal(await pointsOf(second, 'resilience.execution.duration'), 1);
    assert.equal(await pointsOf(second, 'resilience.retry_budget.remaining'), 1);
    reads = 0;
    await first.collect();
    assert.equal(reads, 0);
  });

  it('do not take the provider that does nothing for one that was given', async () => {
    listener.useMeterProvider(metricsApi.getMeterProvider());
    const reader = register();
    listener.join();
    assert.equal(await pointsOf(reader, 'resilience.retry_budget.remaining'), 1);
  });
});
