import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { metrics, NodeSDK, tracing } from '@opentelemetry/sdk-node';

/** The SDK of a variant, as an app would preload it, with exporters that take everything and send nothing. */

const DONE = { code: 0 };

const spans: tracing.SpanExporter = {
  export: (_spans, done) => done(DONE),
  shutdown: async () => {},
};

const measurements: metrics.PushMetricExporter = {
  export: (_metrics, done) => done(DONE),
  forceFlush: async () => {},
  shutdown: async () => {},
};

const clients = process.env.BENCH_INSTRUMENTATIONS === 'on';

new NodeSDK({
  autoDetectResources: false,
  spanProcessors: [new tracing.BatchSpanProcessor(spans)],
  metricReaders: [new metrics.PeriodicExportingMetricReader({ exporter: measurements })],
  instrumentations: clients ? [new HttpInstrumentation(), new UndiciInstrumentation()] : [],
}).start();
