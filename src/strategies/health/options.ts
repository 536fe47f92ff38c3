/** The error-rate monitor of an upstream. */
export interface HealthOptions {
  /** How many of the last calls count. */
  readonly window: number;
  /** Below this many counted calls there is no unhealthy verdict. */
  readonly minimumCalls: number;
  /** Unhealthy when the error ratio is above this. */
  readonly threshold: number;
  /** While calls are diverted for ill health, one per interval still asks the primary. */
  readonly probeIntervalMs: number;
}

export const HEALTH_DEFAULTS: HealthOptions = {
  window: 100,
  minimumCalls: 10,
  threshold: 0.5,
  probeIntervalMs: 5_000,
};
