import type { AdmissionOptions } from '../admission/options.ts';
import type { BulkheadOptions } from '../bulkhead/options.ts';
import { CIRCUIT_BREAKER_DEFAULTS, type CircuitBreakerOptions } from '../circuit-breaker/options.ts';
import type { FallbackOptions } from '../fallback/options.ts';
import { HEALTH_DEFAULTS, type HealthOptions } from '../health/options.ts';
import type { HedgeOptions } from '../hedge/options.ts';
import type { RateLimiterOptions } from '../rate-limiter/options.ts';
import type { RetryOptions } from '../retry/options.ts';
import type { TimeoutOptions } from '../timeout/options.ts';
import { VERDICT_DEFAULTS, type VerdictOptions } from '../verdict/options.ts';

/** `enforce` acts; `observe` decides and records, and changes nothing. */
export type Mode = 'enforce' | 'observe';

/** A named set of strategy options, fully resolved. Undefined: the strategy is off. */
export interface Policy {
  readonly name: string;
  readonly circuitBreaker: CircuitBreakerOptions | undefined;
  readonly admission: AdmissionOptions | undefined;
  readonly bulkhead: BulkheadOptions | undefined;
  readonly rateLimiter: RateLimiterOptions | undefined;
  readonly timeout: TimeoutOptions | undefined;
  readonly retry: RetryOptions | undefined;
  readonly hedge: HedgeOptions | undefined;
  readonly fallback: FallbackOptions | undefined;
  readonly verdict: VerdictOptions;
  readonly health: HealthOptions;
}

/** What runs with no configuration at all: a circuit breaker per origin. */
export const DEFAULT_POLICY: Policy = {
  name: 'default',
  circuitBreaker: CIRCUIT_BREAKER_DEFAULTS,
  admission: undefined,
  bulkhead: undefined,
  rateLimiter: undefined,
  timeout: undefined,
  retry: undefined,
  hedge: undefined,
  fallback: undefined,
  verdict: VERDICT_DEFAULTS,
  health: HEALTH_DEFAULTS,
};

/** Where calls go: scheme, host and port, or a unix socket. */
export interface Origin {
  readonly protocol: string;
  /** Lower case, IPv6 without brackets; for a unix socket, its path. */
  readonly host: string;
  readonly port: number;
  /** WHATWG origin (default port left out), or `unix:<path>`. Names the upstream where no rule does. */
  readonly name: string;
}

/** What the rules say about a call. */
export interface Assignment {
  readonly policy: Policy;
  /** A rule's name; undefined: each origin is its own upstream. */
  readonly upstream: string | undefined;
  /** Named groups of the rule's URL pattern, percent-decoded. */
  groups(url: string): Readonly<Record<string, string>>;
}

/** The rules that can still match once the origin is known. Undefined: the call is left alone. */
export interface OriginRules {
  /** Set when path and method make no difference: the hot path then asks no more. */
  readonly fixed: { readonly assignment: Assignment | undefined } | undefined;
  match(method: string, path: string): Assignment | undefined;
}

/** Which calls get which policy; first match wins. */
export interface Rules {
  readonly mode: Mode;
  /** Most upstreams whose state is kept. */
  readonly maxUpstreams: number;
  forOrigin(origin: Origin): OriginRules;
}
