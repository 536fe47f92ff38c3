import { apiRegistry } from './api-registry.ts';

/** The key of `suppressTracing` in @opentelemetry/core: the API makes its context keys as registered symbols. */
const SUPPRESS_TRACING = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Whether the code running now is an exporter's, or other code that asked not to be traced. Its calls must pass by every
 * policy, or a dead collector would open circuits and have its exports retried inside our retry.
 */
export function bypass(): boolean {
  return apiRegistry()?.context?.active().getValue(SUPPRESS_TRACING) === true;
}
