import type { FallbackHandler } from '../strategies/fallback/options.ts';
import type { Mode } from '../strategies/shared/policy.ts';

/**
 * The configuration in code: the options of the file with their names in camelCase and values in the same forms.
 * DESIGN §7 and `config.schema.json` say what each means and its default.
 */
export interface ResilienceConfig {
  /** False: nothing is patched. `OTEL_RESILIENCE_ENABLED=false` has the same effect whatever is said here. */
  readonly enabled?: boolean | undefined;
  readonly mode?: Mode | undefined;
  /** By name; `default` applies where no rule matches. Options given here override those of file and environment. */
  readonly policies?: Readonly<Record<string, PolicyConfig>> | undefined;
  /** First match wins; these are asked before the rules of the file. */
  readonly rules?: readonly RuleConfig[] | undefined;
  readonly upstreams?: { readonly max?: number | undefined } | undefined;
  /** Request headers that name the caller, besides those whose names tell. */
  readonly credentialHeaders?: readonly string[] | undefined;
  readonly requestIdHeader?: string | false | undefined;
}

/** Milliseconds, or a text such as `250ms`, `3s`, `1.5m`, `1h`. */
export type Duration = number | string;

/** Bytes, or a text such as `64KiB`, `1MiB`. */
export type Size = number | string;

/** A status code, or a range such as `500-599`. */
export type Status = number | string;

/** True or `{}`: with its defaults. False or `off`: not at all. */
export type Switch<Options> = Options | boolean | 'on' | 'off';

/** False or `off`: none. */
export type OrOff<Value> = Value | false | 'off';

export interface RuleConfig {
  /** Makes one upstream, of this name, of all that the rule matches. */
  readonly name?: string | undefined;
  /** `url` in URL Pattern syntax, or `unix:<path of the socket>`; at least one of both. */
  readonly match: { readonly url?: string | undefined; readonly methods?: readonly string[] | undefined };
  /** The name of a policy, or `none`. */
  readonly policy: string;
}

export interface PolicyConfig {
  readonly preset?: 'standard' | undefined;
  readonly circuitBreaker?: Switch<CircuitBreakerConfig> | undefined;
  readonly failure?: FailureConfig | undefined;
  readonly bulkhead?: Switch<BulkheadConfig> | undefined;
  readonly rateLimiter?: Switch<RateLimiterConfig> | undefined;
  readonly timeout?: Switch<TimeoutConfig> | undefined;
  readonly retry?: Switch<RetryConfig> | undefined;
  readonly fallback?: Switch<FallbackConfig> | undefined;
  readonly health?: HealthConfig | undefined;
}

export interface CircuitBreakerConfig {
  readonly window?:
    | {
        readonly type?: 'time' | 'count' | undefined;
        readonly duration?: Duration | undefined;
        readonly buckets?: number | undefined;
        readonly size?: number | undefined;
      }
    | undefined;
  readonly minimumCalls?: number | undefined;
  readonly failureRatio?: number | undefined;
  readonly consecutiveFailures?: OrOff<number> | undefined;
  readonly slowCall?:
    | Switch<{ readonly duration?: Duration | undefined; readonly ratio?: number | undefined }>
    | undefined;
  readonly open?:
    | {
        readonly duration?: Duration | undefined;
        readonly multiplier?: number | undefined;
        readonly maxDuration?: Duration | undefined;
        readonly jitter?: number | undefined;
      }
    | undefined;
  readonly halfOpen?:
    | {
        readonly maxConcurrent?: number | undefined;
        readonly successes?: number | undefined;
        readonly lease?: Duration | undefined;
      }
    | undefined;
}

export interface FailureConfig {
  readonly statuses?: readonly Status[] | undefined;
  readonly except?: readonly Status[] | undefined;
  readonly codes?: readonly string[] | undefined;
  readonly ignore?:
    | { readonly statuses?: readonly Status[] | undefined; readonly codes?: readonly string[] | undefined }
    | undefined;
}

export interface BulkheadConfig {
  readonly maxConcurrent?: number | undefined;
  readonly maxQueue?: number | undefined;
  readonly queueTimeout?: Duration | undefined;
}

export interface RateLimiterConfig {
  readonly permits?: number | undefined;
  readonly interval?: Duration | undefined;
  readonly burst?: number | undefined;
  readonly maxWait?: Duration | undefined;
  readonly respectRetryAfter?: boolean | undefined;
  readonly maxRetryAfter?: Duration | undefined;
}

export interface TimeoutConfig {
  readonly attempt?: OrOff<Duration> | undefined;
  readonly total?: OrOff<Duration> | undefined;
  readonly idle?: OrOff<Duration> | undefined;
}

export interface RetryConfig {
  readonly maxRetries?: number | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly statuses?: readonly Status[] | undefined;
  readonly backoff?: { readonly base?: Duration | undefined; readonly max?: Duration | undefined } | undefined;
  readonly respectRetryAfter?: boolean | undefined;
  readonly maxReplayBytes?: Size | undefined;
  readonly budget?:
    | {
        readonly ratio?: number | undefined;
        readonly minPerSecond?: number | undefined;
        readonly window?: Duration | undefined;
      }
    | undefined;
}

export interface FallbackConfig {
  readonly endpoints?: readonly string[] | undefined;
  readonly forwardCredentials?: boolean | undefined;
  readonly cache?:
    | Switch<{
        readonly staleIfError?: Duration | undefined;
        readonly private?: boolean | undefined;
        readonly ignoreHeaders?: readonly string[] | undefined;
        readonly maxBytes?: Size | undefined;
        readonly maxEntryBytes?: Size | undefined;
      }>
    | undefined;
  readonly response?:
    | Switch<{
        readonly status?: number | undefined;
        readonly headers?: Readonly<Record<string, string>> | undefined;
        readonly body?: string | undefined;
        readonly json?: unknown;
      }>
    | undefined;
  readonly onUnhealthy?: boolean | undefined;
  /** The last link of the chain; there is no such option in a file. */
  readonly handler?: FallbackHandler | undefined;
}

export interface HealthConfig {
  readonly window?: number | undefined;
  readonly minimumCalls?: number | undefined;
  readonly threshold?: number | undefined;
  readonly probeInterval?: Duration | undefined;
}
