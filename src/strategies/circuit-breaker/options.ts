/** Counts the attempts of the last `durationMs`, in `buckets` slices. */
export interface TimeWindowOptions {
  readonly type: 'time';
  readonly durationMs: number;
  readonly buckets: number;
}

/** Counts the last `size` attempts. */
export interface CountWindowOptions {
  readonly type: 'count';
  readonly size: number;
}

export interface SlowCallOptions {
  /** An attempt whose response head takes longer than this is slow. */
  readonly durationMs: number;
  /** The circuit opens when this share of the counted attempts is slow. */
  readonly ratio: number;
}

export interface OpenOptions {
  /** How long the circuit stays open the first time. */
  readonly durationMs: number;
  /** Each opening in a row lasts this many times longer than the one before. */
  readonly multiplier: number;
  readonly maxDurationMs: number;
  /** Share of the duration by which it varies at random, up or down, so that processes don't probe in step. */
  readonly jitter: number;
}

export interface HalfOpenOptions {
  /** Probes in flight at a time; other attempts are rejected. */
  readonly maxConcurrent: number;
  /** Successful probes that close the circuit. */
  readonly successes: number;
  /** After this, a probe without a response head has failed, and one with a head has succeeded. */
  readonly leaseMs: number;
}

export interface CircuitBreakerOptions {
  readonly window: TimeWindowOptions | CountWindowOptions;
  /** Below this many counted attempts no ratio opens the circuit. */
  readonly minimumCalls: number;
  /** Opens when `failures >= failureRatio * counted`. */
  readonly failureRatio: number;
  /** Opens after this many failures in a row, whatever the window says; undefined: off. */
  readonly consecutiveFailures: number | undefined;
  readonly slowCall: SlowCallOptions | undefined;
  readonly open: OpenOptions;
  readonly halfOpen: HalfOpenOptions;
}

export const CIRCUIT_BREAKER_DEFAULTS: CircuitBreakerOptions = {
  window: { type: 'time', durationMs: 30_000, buckets: 10 },
  minimumCalls: 20, // a window of 100 never trips at a few calls a second
  failureRatio: 0.5, // a lower one turns a partial degradation into a full outage
  consecutiveFailures: undefined,
  slowCall: undefined,
  open: { durationMs: 10_000, multiplier: 2, maxDurationMs: 300_000, jitter: 0.2 },
  halfOpen: { maxConcurrent: 1, successes: 3, leaseMs: 30_000 },
};

export const COUNT_WINDOW_DEFAULTS: CountWindowOptions = { type: 'count', size: 100 };

export const SLOW_CALL_DEFAULTS: SlowCallOptions = { durationMs: 2_000, ratio: 0.8 };
