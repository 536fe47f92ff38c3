export type CircuitState = 'closed' | 'open' | 'half_open' | 'forced_open' | 'forced_closed';

export type TransitionReason =
  | 'failure_ratio'
  | 'slow_call_ratio'
  | 'consecutive_failures'
  | 'open_elapsed'
  | 'probes_succeeded'
  | 'probe_failed'
  | 'manual';

/** A change of a circuit breaker's state. */
export interface Transition {
  readonly state: CircuitState;
  readonly previousState: CircuitState;
  readonly reason: TransitionReason;
  /** Of the window the decision was made on; undefined where the window had no say. */
  readonly failureRatio: number | undefined;
}
