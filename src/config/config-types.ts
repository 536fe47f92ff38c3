// Generated from the tables in src/config/options by `npm run schema`. Do not edit.

import type { FallbackHandler } from '../strategies/fallback/options.ts';

/** Milliseconds, or a text such as `250ms`, `3s`, `1.5m`, `1h`. */
export type Duration = number | string;

/** A duration, or `p50` to `p99`: what that share of the upstream's response heads came within. */
export type HedgeDelay = Duration;

/** Bytes, or a text such as `64KiB`, `1MiB`. */
export type Size = number | string;

/** A status code, or a range such as `500-599`. */
export type Status = number | string;

/** True or `{}`: with its defaults. False or `off`: not at all. */
export type Switch<Options> = Options | boolean | 'on' | 'off';

/** False or `off`: none. */
export type OrOff<Value> = Value | false | 'off';

/**
 * The configuration in code: the options of the file with their names in camelCase, and values in the same
 * forms.
 */
export interface ResilienceConfig {
  /**
   * False: nothing is patched. `OTEL_RESILIENCE_ENABLED=false` has the same effect whatever is said here.
   * Default: `true`.
   */
  readonly enabled?: boolean | undefined;
  /** `observe` decides and records what it would have done, and changes nothing. Default: `enforce`. */
  readonly mode?: 'enforce' | 'observe' | undefined;
  /** Policies by name. `default` applies where no rule matches; left out: a circuit breaker. */
  readonly policies?: Readonly<Record<string, PolicyConfig>> | undefined;
  /** The first rule that matches decides. */
  readonly rules?: readonly RuleConfig[] | undefined;
  /** Limits of what is kept in memory. */
  readonly upstreams?: UpstreamsConfig | undefined;
  /**
   * Request headers that name the caller, besides those whose names tell (authorization, cookie, x-api-key,
   * ...). Header names. Default: `[]`.
   */
  readonly credentialHeaders?: readonly string[] | undefined;
  /**
   * The header with the id of a request: taken from incoming requests, told in telemetry, added to outgoing
   * calls. A header name, or off. Default: `off`.
   */
  readonly requestIdHeader?: OrOff<string> | undefined;
}

/** A named set of strategies. */
export interface PolicyConfig {
  /** Strategies to start from; what stands beside it overrides them. */
  readonly preset?: 'standard' | 'interactive' | undefined;
  /** Stops calls to an upstream that keeps failing. */
  readonly circuitBreaker?: Switch<CircuitBreakerConfig> | undefined;
  /** Which outcomes are failures of the upstream. */
  readonly failure?: FailureConfig | undefined;
  /** Refuses a growing share of the calls to an upstream that accepts fewer and fewer. Default: `off`. */
  readonly admission?: Switch<AdmissionConfig> | undefined;
  /** Limits the calls in flight. Default: `off`. */
  readonly bulkhead?: Switch<BulkheadConfig> | undefined;
  /** Limits the calls per time. Default: `off`. */
  readonly rateLimiter?: Switch<RateLimiterConfig> | undefined;
  /** Limits how long calls take. Default: `off`. */
  readonly timeout?: Switch<TimeoutConfig> | undefined;
  /** Tries again, within a budget. Default: `off`. */
  readonly retry?: Switch<RetryConfig> | undefined;
  /** Sends a second attempt beside a slow one. Default: `off`. */
  readonly hedge?: Switch<HedgeConfig> | undefined;
  /** What to answer when the upstream cannot. Default: `off`. */
  readonly fallback?: Switch<FallbackConfig> | undefined;
  /** The error-rate monitor, which is always on. */
  readonly health?: HealthConfig | undefined;
}

/** Stops calls to an upstream that keeps failing. */
export interface CircuitBreakerConfig {
  /** Which attempts count. */
  readonly window?: CircuitBreakerWindowConfig | undefined;
  /** Below this many counted attempts no ratio opens the circuit. 1 to 100000. Default: `20`. */
  readonly minimumCalls?: number | undefined;
  /** The circuit opens when this share of the counted attempts has failed. Above 0, up to 1. Default: `0.5`. */
  readonly failureRatio?: number | undefined;
  /** Opens after this many failures in a row, whatever the window says. 1 to 100000, or off. Default: `off`. */
  readonly consecutiveFailures?: OrOff<number> | undefined;
  /** Opens the circuit when the upstream is slow. Default: `off`. */
  readonly slowCall?: Switch<CircuitBreakerSlowCallConfig> | undefined;
  /** How long the circuit stays open. */
  readonly open?: CircuitBreakerOpenConfig | undefined;
  /** How a circuit that was open is tried. */
  readonly halfOpen?: CircuitBreakerHalfOpenConfig | undefined;
}

/** Which attempts count. */
export interface CircuitBreakerWindowConfig {
  /**
   * What the window holds: the attempts of the last `duration`, or the last `size` attempts. Default: `time`.
   */
  readonly type?: 'time' | 'count' | undefined;
  /**
   * Length of a time window; at least twice the attempt timeout. 10ms to 24h. Only with `type: time`. Default:
   * `30s`.
   */
  readonly duration?: Duration | undefined;
  /** Slices of a time window. 1 to 100. Only with `type: time`. Default: `10`. */
  readonly buckets?: number | undefined;
  /** Attempts in a count window. 1 to 100000. Only with `type: count`. Default: `100`. */
  readonly size?: number | undefined;
}

/** Opens the circuit when the upstream is slow. */
export interface CircuitBreakerSlowCallConfig {
  /** An attempt slower than this is slow. 1ms to 24h. Default: `2s`. */
  readonly duration?: Duration | undefined;
  /** The circuit opens when this share of the counted attempts is slow. Above 0, up to 1. Default: `0.8`. */
  readonly ratio?: number | undefined;
}

/** How long the circuit stays open. */
export interface CircuitBreakerOpenConfig {
  /** How long the circuit stays open the first time. 1ms to 24h. Default: `10s`. */
  readonly duration?: Duration | undefined;
  /** Each opening in a row lasts this many times longer than the one before. 1 to 10. Default: `2`. */
  readonly multiplier?: number | undefined;
  /** The longest that it stays open, before jitter. 1ms to 24h. Default: `5m`. */
  readonly maxDuration?: Duration | undefined;
  /** Share by which the duration varies at random. From 0, below 1. Default: `0.2`. */
  readonly jitter?: number | undefined;
}

/** How a circuit that was open is tried. */
export interface CircuitBreakerHalfOpenConfig {
  /** Probes in flight at a time. 1 to 1000. Default: `1`. */
  readonly maxConcurrent?: number | undefined;
  /** Successful probes that close the circuit. 1 to 1000. Default: `3`. */
  readonly successes?: number | undefined;
  /** How long a probe may take. 1ms to 24h. Default: the attempt timeout, else 30s. */
  readonly lease?: Duration | undefined;
}

/** Which outcomes are failures of the upstream. */
export interface FailureConfig {
  /** Statuses that are failures. Status codes and ranges. Default: `[500-599]`. */
  readonly statuses?: readonly Status[] | undefined;
  /** Statuses among them that are not failures. Status codes and ranges. Default: `[501, 505]`. */
  readonly except?: readonly Status[] | undefined;
  /** Error codes that are failures besides the known ones. Error codes. Default: `[]`. */
  readonly codes?: readonly string[] | undefined;
  /** Outcomes that say nothing about the upstream. */
  readonly ignore?: FailureIgnoreConfig | undefined;
}

/** Outcomes that say nothing about the upstream. */
export interface FailureIgnoreConfig {
  /** Statuses that count neither way. Status codes and ranges. Default: `[429]`. */
  readonly statuses?: readonly Status[] | undefined;
  /** Error codes that count neither way. Error codes. Default: `[]`. */
  readonly codes?: readonly string[] | undefined;
}

/** Refuses a growing share of the calls to an upstream that accepts fewer and fewer. */
export interface AdmissionConfig {
  /**
   * Calls allowed for each that the upstream accepts, before any is refused: the lower, the stricter. 1.1 to
   * 100. Default: `2`.
   */
  readonly aggressiveness?: number | undefined;
  /** How far back calls count. 1s to 1h. Default: `30s`. */
  readonly window?: Duration | undefined;
  /**
   * The largest share of the calls that is refused; the rest shows when the upstream recovers. 0 to 1. Default:
   * `0.8`.
   */
  readonly maxRejection?: number | undefined;
}

/** Limits the calls in flight. */
export interface BulkheadConfig {
  /**
   * Calls in flight at a time. With `adaptive`: the most that may become, 1000 if left out. 1 to 100000.
   * Default: `100`.
   */
  readonly maxConcurrent?: number | undefined;
  /** Calls that may wait for a slot. 0 to 100000. Default: `0`. */
  readonly maxQueue?: number | undefined;
  /** How long a call may wait for a slot. 1ms to 1h. Default: `1s`. */
  readonly queueTimeout?: Duration | undefined;
  /** The limit follows what the upstream can take, by the time its response heads need. Default: `off`. */
  readonly adaptive?: Switch<BulkheadAdaptiveConfig> | undefined;
}

/** The limit follows what the upstream can take, by the time its response heads need. */
export interface BulkheadAdaptiveConfig {
  /** The limit at the start. 1 to 100000. Default: `20`. */
  readonly initial?: number | undefined;
  /** The limit never falls below. 1 to 100000. Default: `5`. */
  readonly min?: number | undefined;
  /** Times to head up to this multiple of the unloaded one count as noise. 1 to 10. Default: `1.5`. */
  readonly tolerance?: number | undefined;
}

/** Limits the calls per time. */
export interface RateLimiterConfig {
  /** Calls per `interval`. Left out: only `Retry-After` limits. 1 to 10000000. */
  readonly permits?: number | undefined;
  /** The time `permits` is for. 1ms to 24h. Default: `1s`. */
  readonly interval?: Duration | undefined;
  /** Calls at once after a pause. 1 to 10000000. Default: as `permits`. */
  readonly burst?: number | undefined;
  /** How long a call may wait for its permit. 0 to 1h. Default: `0`. */
  readonly maxWait?: Duration | undefined;
  /** A `Retry-After` of the upstream holds calls back until then. Default: `true`. */
  readonly respectRetryAfter?: boolean | undefined;
  /** A longer `Retry-After` is cut to this. 1ms to 24h. Default: `30s`. */
  readonly maxRetryAfter?: Duration | undefined;
}

/** Limits how long calls take. */
export interface TimeoutConfig {
  /** From the start of an attempt to its response head. 1ms to 24h, or off. Default: `10s`. */
  readonly attempt?: OrOff<Duration> | undefined;
  /**
   * From the start of the call to its response head, retries and waits included. 1ms to 24h, or off. Default:
   * `30s`.
   */
  readonly total?: OrOff<Duration> | undefined;
  /** Between two chunks of the response body. 1ms to 24h, or off. Default: `off`. */
  readonly idle?: OrOff<Duration> | undefined;
}

/** Tries again, within a budget. */
export interface RetryConfig {
  /** Further attempts after the first. 0 to 10. Default: `1`. */
  readonly maxRetries?: number | undefined;
  /** Methods that may be sent twice. HTTP methods. Default: `[GET, HEAD, OPTIONS]`. */
  readonly methods?: readonly string[] | undefined;
  /** Statuses retried besides those that are failures. Status codes and ranges. Default: `[408]`. */
  readonly statuses?: readonly Status[] | undefined;
  /** Random delays between attempts, doubling their upper bound each time. */
  readonly backoff?: RetryBackoffConfig | undefined;
  /** Wait as long as the upstream asks for, if the total time allows. Default: `true`. */
  readonly respectRetryAfter?: boolean | undefined;
  /** A call with a longer request body is not retried. 0 bytes to 64MiB. Default: `64KiB`. */
  readonly maxReplayBytes?: Size | undefined;
  /** What all calls to an upstream may spend on further attempts. */
  readonly budget?: RetryBudgetConfig | undefined;
}

/** Random delays between attempts, doubling their upper bound each time. */
export interface RetryBackoffConfig {
  /** Upper bound of the first delay. 1ms to 1h. Default: `50ms`. */
  readonly base?: Duration | undefined;
  /** Upper bound of every delay. 1ms to 1h. Default: `250ms`. */
  readonly max?: Duration | undefined;
}

/** What all calls to an upstream may spend on further attempts. */
export interface RetryBudgetConfig {
  /** Share of the calls of the last `window`. 0 to 10. Default: `0.2`. */
  readonly ratio?: number | undefined;
  /** Retries per second that are always allowed. 0 to 10000. Default: `1`. */
  readonly minPerSecond?: number | undefined;
  /** How far back calls count. 100ms to 1h. Default: `10s`. */
  readonly window?: Duration | undefined;
}

/** Sends a second attempt beside a slow one. */
export interface HedgeConfig {
  /**
   * How long a response head is waited for: a time, or what this share of the heads came within. P50 to p99, or
   * 1ms to 24h. Default: `p95`.
   */
  readonly delay?: HedgeDelay | undefined;
  /** Attempts beside the first, over all retries of the call. 1 to 5. Default: `1`. */
  readonly maxHedges?: number | undefined;
  /**
   * Methods that may be on their way twice at once. GET, HEAD, OPTIONS, TRACE, PUT, DELETE. Default: `[GET,
   * HEAD, OPTIONS]`.
   */
  readonly methods?: readonly string[] | undefined;
  /** Send the hedge to the next fallback endpoint that is fit, if there is one. Default: `false`. */
  readonly endpoints?: boolean | undefined;
}

/** What to answer when the upstream cannot. */
export interface FallbackConfig {
  /** Other places that can answer, in order. Absolute URLs. Default: `[]`. */
  readonly endpoints?: readonly string[] | undefined;
  /**
   * Send headers that name the caller (`Authorization`, `Cookie`, ...) to endpoints of another origin too.
   * Default: `false`.
   */
  readonly forwardCredentials?: boolean | undefined;
  /** Serve the last good response. Default: `off`. */
  readonly cache?: Switch<FallbackCacheConfig> | undefined;
  /** Serve a fixed, degraded response. Default: `off`. */
  readonly response?: Switch<FallbackResponseConfig> | undefined;
  /** Divert as soon as the upstream is unhealthy, before any attempt on it. Default: `false`. */
  readonly onUnhealthy?: boolean | undefined;
  /** The last link of the chain. There is no such option in a file. */
  readonly handler?: FallbackHandler | undefined;
}

/** Serve the last good response. */
export interface FallbackCacheConfig {
  /** How long after it became stale a stored response may still serve. 1ms to 720h. Default: `1h`. */
  readonly staleIfError?: Duration | undefined;
  /** Store private responses and those to credentials too, kept apart by credentials. Default: `false`. */
  readonly private?: boolean | undefined;
  /**
   * Request headers that do not choose the response: without it, each value has a response of its own. Header
   * names. Default: `[]`.
   */
  readonly ignoreHeaders?: readonly string[] | undefined;
  /** Bytes of all stored responses. 1 bytes to 16GiB. Default: `64MiB`. */
  readonly maxBytes?: Size | undefined;
  /** A longer response is not stored. 1 bytes to 1GiB. Default: `1MiB`. */
  readonly maxEntryBytes?: Size | undefined;
}

/** Serve a fixed, degraded response. */
export interface FallbackResponseConfig {
  /** Its status. 200 to 599. Default: `200`. */
  readonly status?: number | undefined;
  /** Its header fields. A map of texts. Default: `{}`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Its body as text; ${path.x} and ${query.x} stand for values of the URL. A text of at most 1048576
   * characters.
   */
  readonly body?: string | undefined;
  /** Its body as JSON; texts in it may hold ${path.x} and ${query.x}. Any JSON. */
  readonly json?: unknown | undefined;
}

/** The error-rate monitor, which is always on. */
export interface HealthConfig {
  /** How many of the last calls count. 1 to 100000. Default: `100`. */
  readonly window?: number | undefined;
  /** Below this many there is no unhealthy verdict. 1 to 100000. Default: `10`. */
  readonly minimumCalls?: number | undefined;
  /** Unhealthy when the error ratio is above. From 0, below 1. Default: `0.5`. */
  readonly threshold?: number | undefined;
  /** While calls are diverted for ill health, one per interval asks the primary. 1ms to 24h. Default: `5s`. */
  readonly probeInterval?: Duration | undefined;
}

/** Which calls get which policy. */
export interface RuleConfig {
  /**
   * Makes one upstream, of this name, of all that the rule matches. A name of 1 to 200 characters on one line.
   */
  readonly name?: string | undefined;
  /** Which calls the rule is for. */
  readonly match: RuleMatchConfig;
  /** The name of a policy, or `none` to leave these calls alone. A text of at most 200 characters. */
  readonly policy: string;
}

/** Which calls the rule is for. */
export interface RuleMatchConfig {
  /**
   * URL Pattern such as https://api.example.com/users/:id, or unix:<path of the socket>. A text of at most 2048
   * characters.
   */
  readonly url?: string | undefined;
  /** Only these methods. Left out: all. HTTP methods. */
  readonly methods?: readonly string[] | undefined;
}

/** Limits of what is kept in memory. */
export interface UpstreamsConfig {
  /** Most upstreams whose state is kept. 1 to 1000000. Default: `1000`. */
  readonly max?: number | undefined;
}
