import { isHopByHop } from '../../common/http-fields.ts';

/**
 * Request headers that do not choose the response: the cache takes two requests that differ in nothing else for the
 * same. Everything that is not listed here is part of the key, so a name that nobody has thought of costs a hit and
 * shows nobody another's response. Where an upstream does choose by one of these, its `Vary` says so.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  // Traces. Instrumentations add them on the way, so they are not even there yet when a call is refused.
  ...['traceparent', 'tracestate', 'baggage', 'b3', 'uber-trace-id', 'sentry-trace', 'newrelic', 'grpc-trace-bin'],
  ...['elastic-apm-traceparent', 'x-amzn-trace-id', 'x-cloud-trace-context', 'x-ot-span-context', 'x-dynatrace'],
  ...['x-trace-id', 'x-span-id', 'x-instana-t', 'x-instana-s', 'x-instana-l', 'request-context'],
  // Ids of one request, another each time.
  ...['request-id', 'x-request-id', 'correlation-id', 'x-correlation-id', 'x-amz-request-id'],
  ...['x-ms-client-request-id', 'x-ms-request-id', 'amz-sdk-invocation-id', 'amz-sdk-request'],
  ...['x-goog-request-id', 'x-b3', 'idempotency-key'],
  // The client and its connection.
  ...['user-agent', 'x-amz-user-agent', 'host', 'expect', 'date', 'content-length', 'max-forwards'],
  // Wishes and conditions that are the cache's own business: it keeps them, rather than keeping them apart.
  ...['cache-control', 'pragma', 'if-none-match', 'if-modified-since'],
]);

const HARMLESS_FAMILIES = /^(?:x-b3|x-datadog|x-newrelic|ot-tracer|x-dynatrace|x-stainless)-/;

/** `name` in lower case. */
export function isHarmless(name: string): boolean {
  return HARMLESS.has(name) || isHopByHop(name) || HARMLESS_FAMILIES.test(name);
}
