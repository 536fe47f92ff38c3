import { context, createContextKey } from '@opentelemetry/api';

/** The key of `suppressTracing` in @opentelemetry/core: keys are registered symbols, so any copy's equals this one. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Whether the code running now is an exporter's, or other code that asked not to be traced. Its calls must pass by every
 * policy, or a dead collector would open circuits and have its exports retried inside our retry.
 */
export function bypass(): boolean {
  return context.active().getValue(SUPPRESS_TRACING) === true;
}
