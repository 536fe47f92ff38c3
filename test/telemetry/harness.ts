import { context, propagation, trace } from '@opentelemetry/api';
import { core, logs, metrics, node, tracing } from '@opentelemetry/sdk-node';
import type { CallResult, FallbackSource, Mode, ObservedCall } from '../../src/engine/events.ts';
import type { UpstreamSnapshot } from '../../src/engine/snapshot.ts';
import { TELEMETRY_DEFAULTS, TelemetryListener, type TelemetryOptions } from '../../src/telemetry/listener.ts';
import { NO_RESULTS } from '../support/snapshots.ts';

/** A call as the engine would present it, with everything settable. */
export class ScriptedCall implements ObservedCall {
  policy = 'default';
  upstream = 'http://users.test:8080';
  mode: Mode = 'enforce';
  protocol = 'http:';
  host = 'users.test';
  port = 8080;
  method = 'GET';
  startedAtMs = performance.now();
  attempts = 0;
  mayResend = false;
  result: CallResult | undefined = undefined;
  errorType: string | undefined = undefined;
  fallbackSource: FallbackSource | undefined = undefined;
  scope: unknown = undefined;
  /** As sent. */
  headers: Record<string, string> = {};
  appHeaders: Record<string, string> = {};
  rejection: ObservedCall['rejection'] = undefined;

  constructor(fields: Partial<ScriptedCall> = {}) {
    Object.assign(this, fields);
  }

  header(name: string): string | undefined {
    return this.appHeaders[name];
  }

  sentHeader(name: string): string | undefined {
    return this.headers[name];
  }
}

export const OPENED = {
  type: 'circuit_state_changed',
  circuit: 'http://users.test:8080',
  state: 'open',
  previousState: 'closed',
  reason: 'failure_ratio',
  failureRatio: 0.6,
} as const;

export const REJECTED = { type: 'call_rejected', reason: 'circuit_open' } as const;

export function snapshot(fields: Partial<UpstreamSnapshot> = {}): UpstreamSnapshot {
  return {
    policy: 'default',
    upstream: 'http://users.test:8080',
    mode: 'enforce',
    circuits: [],
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
    ...fields,
  };
}

/** A whole SDK in memory, given to a listener; tracing and context are registered globally until `stop`. */
export class InMemorySdk {
  readonly spans = new tracing.InMemorySpanExporter();
  readonly logRecords = new logs.InMemoryLogRecordExporter();
  readonly meterProvider: metrics.MeterProvider;
  readonly loggerProvider: logs.LoggerProvider;
  readonly listener: TelemetryListener;
  readonly #reader: metrics.MetricReader;
  readonly #tracerProvider: node.NodeTracerProvider;

  constructor(options: Partial<TelemetryOptions> & { sampler?: tracing.Sampler } = {}) {
    this.#tracerProvider = new node.NodeTracerProvider({
      spanProcessors: [new tracing.SimpleSpanProcessor(this.spans)],
      ...(options.sampler && { sampler: options.sampler }),
    });
    this.#tracerProvider.register({ propagator: new core.W3CTraceContextPropagator() });
    this.#reader = new TestReader();
    this.meterProvider = new metrics.MeterProvider({ readers: [this.#reader] });
    this.loggerProvider = new logs.LoggerProvider({
      processors: [new logs.SimpleLogRecordProcessor({ exporter: this.logRecords })],
    });
    this.listener = new TelemetryListener({ ...TELEMETRY_DEFAULTS, snapshots: () => [], ...options });
    this.listener.useMeterProvider(this.meterProvider);
    this.listener.useLoggerProvider(this.loggerProvider);
  }

  get tracer() {
    return this.#tracerProvider.getTracer('test');
  }

  /** Our finished spans. */
  finished(): tracing.ReadableSpan[] {
    return this.spans.getFinishedSpans().filter((span) => span.name.startsWith('resilience.'));
  }

  /** One collection: the points of a metric. */
  async points(name: string): Promise<readonly MetricPoint[]> {
    const { resourceMetrics } = await this.#reader.collect();
    const found = resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter((metric) => metric.descriptor.name === name);
    return found.flatMap((metric) => metric.dataPoints as MetricPoint[]);
  }

  async stop(): Promise<void> {
    this.listener.close();
    trace.disable();
    context.disable();
    propagation.disable();
    await Promise.all([this.#tracerProvider.shutdown(), this.meterProvider.shutdown(), this.loggerProvider.shutdown()]);
  }
}

export interface MetricPoint {
  readonly attributes: Record<string, unknown>;
  readonly value: unknown;
}

/** Collects when asked. */
export class TestReader extends metrics.MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
