/**
 * What all copies of the OpenTelemetry API share once anything was set up through one of them: an SDK, a logger for its
 * diagnostics. Asked before the API itself is loaded, which takes longer than all else that `register` does together and
 * serves nobody in a process without an SDK.
 */
export interface ApiRegistry {
  readonly version?: string | undefined;
  readonly trace?: unknown;
  readonly metrics?: unknown;
  readonly logs?: unknown;
  readonly propagation?: unknown;
  readonly context?: { active(): { getValue(key: symbol): unknown } } | undefined;
  readonly diag?: unknown;
}

/** The API's own key, the same through all of its version 1. */
export const API_REGISTRY_KEY = Symbol.for('opentelemetry.js.api.1');

/** Undefined: nobody in this process has set OpenTelemetry up so far. */
export function apiRegistry(): ApiRegistry | undefined {
  return (globalThis as { [API_REGISTRY_KEY]?: ApiRegistry })[API_REGISTRY_KEY];
}

/** The API, loaded now at the latest. */
export function loadApi(): typeof import('@opentelemetry/api') {
  return require('@opentelemetry/api') as typeof import('@opentelemetry/api');
}
