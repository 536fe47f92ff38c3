'use strict';
// The SDK in code, started before the rest of the app is loaded. Prints spans instead of exporting them.
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
const { NodeSDK, tracing } = require('@opentelemetry/sdk-node');
const { ResilienceInstrumentation } = require('opentelemetry-instrumentation-resilience');

const KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

class SpanLines {
  export(spans, done) {
    for (const { kind, name, attributes, events } of spans) {
      const told = events.filter((event) => event.name.startsWith('resilience.')).map((event) => event.name);
      const outcome = attributes['resilience.outcome'] ?? attributes['http.response.status_code'] ?? '';
      const id = attributes['request.id'] ? `request.id ${attributes['request.id']}` : '';
      console.log(['  span', KINDS[kind], name, outcome, ...told, id].filter((part) => part !== '').join(' '));
    }
    done({ code: 0 });
  }

  async shutdown() {}
}

const sdk = new NodeSDK({
  serviceName: 'programmatic-example',
  spanProcessors: [new tracing.SimpleSpanProcessor(new SpanLines())],
  metricReaders: [],
  logRecordProcessors: [],
  instrumentations: [
    new HttpInstrumentation(),
    new UndiciInstrumentation(),
    new ResilienceInstrumentation({
      policies: {
        users: { circuitBreaker: { consecutiveFailures: 3, open: { duration: '30s' } } },
      },
      rules: [{ name: 'user-service', match: { url: 'http://127.0.0.1:*/users/:id' }, policy: 'users' }],
    }),
  ],
});
sdk.start();

module.exports = { sdk };
