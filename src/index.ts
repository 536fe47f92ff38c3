import { sharedRuntime } from './bootstrap/runtime.ts';
import type { Resilience } from './resilience.ts';

export type {
  AdmissionConfig,
  BulkheadAdaptiveConfig,
  BulkheadConfig,
  CircuitBreakerConfig,
  Duration,
  FailureConfig,
  FallbackConfig,
  HealthConfig,
  PolicyConfig,
  RateLimiterConfig,
  ResilienceConfig,
  RetryConfig,
  RuleConfig,
  Size,
  Status,
  TimeoutConfig,
} from './config/config-types.ts';
export type { AdmissionSnapshot, BulkheadSnapshot, CircuitSnapshot, UpstreamSnapshot } from './engine/snapshot.ts';
export {
  AdmissionError,
  BulkheadFullError,
  BulkheadTimeoutError,
  CircuitOpenError,
  RateLimitedError,
  ResilienceError,
  type ResilienceErrorCode,
  TimeoutError,
  type TimeoutScope,
} from './errors.ts';
export { ResilienceInstrumentation, type ResilienceInstrumentationConfig } from './instrumentation.ts';
export type { CircuitControl, Resilience } from './resilience.ts';
export type { CircuitState } from './strategies/circuit-breaker/transition.ts';
export type { FallbackHandler, FallbackRequest } from './strategies/fallback/options.ts';
export { withRequestContext } from './telemetry/request-context.ts';

/** What runs in this thread: the upstreams with their circuits, health and counts, and manual control of circuits. */
export function getResilience(): Resilience {
  return sharedRuntime().resilience;
}

/**
 * Covers a copy of undici that a bundler has hidden from `require`: give it the module's exports.
 * @example instrument(require('undici'))
 */
export function instrument(undici: object): void {
  sharedRuntime().instrument(undici);
}
