/**
 * What all copies of the OpenTelemetry API share once anything was set up through one of them: an SDK, a logger for its
 * diagnostics. Asked before the API itself is loaded, which takes longer than all else that `register` does together and
 * serves nobody in a process without an SDK.
 */
export interface ApiRegistry {
  readonly context?: { active(): { getValue(key: symbol): unknown } };
  readonly diag?: unknown;
}

/** The API's own key, the same through all of its version 1. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/** Undefined: nobody in this process has set OpenTelemetry up so far. */
export function apiRegistry(): ApiRegistry | undefined {
  return (globalThis as { [REGISTRY]?: ApiRegistry })[REGISTRY];
}

/** The API, loaded now at the latest. */
export function loadApi(): typeof import('@opentelemetry/api') {
  return require('@opentelemetry/api') as typeof import('@opentelemetry/api');
}
