import type { CircuitBreakerOptions } from './options.ts';
import type { TransitionReason } from './transition.ts';
import type { OutcomeWindow } from './window.ts';

/** Why a circuit opened, with the numbers it opened on. */
export interface Trip {
  readonly reason: Extract<
    TransitionReason,
    'failure_ratio' | 'slow_call_ratio' | 'consecutive_failures' | 'probe_failed'
  >;
  readonly counted: number;
  readonly failures: number;
  readonly slow: number;
  readonly consecutiveFailures: number;
}

/**
 * Whether a closed circuit has to open. The ratios are compared as quotients: `failures >= ratio * counted` would miss
 * 55 of 100 at 0.55, for the product is a little more than 55.
 */
export function findTrip(
  options: CircuitBreakerOptions,
  window: OutcomeWindow,
  consecutiveFailures: number,
): Trip | undefined {
  if (window.counted >= options.minimumCalls) {
    if (window.failures / window.counted >= options.failureRatio) {
      return tripOf('failure_ratio', window, consecutiveFailures);
    }
    const slowCall = options.slowCall;
    if (slowCall !== undefined && window.slow / window.counted >= slowCall.ratio) {
      return tripOf('slow_call_ratio', window, consecutiveFailures);
    }
  }
  const limit = options.consecutiveFailures;
  if (limit !== undefined && consecutiveFailures >= limit) {
    return tripOf('consecutive_failures', window, consecutiveFailures);
  }
  return undefined;
}

export function tripOf(reason: Trip['reason'], window: OutcomeWindow, consecutiveFailures: number): Trip {
  const { counted, failures, slow } = window;
  return { reason, counted, failures, slow, consecutiveFailures };
}

/** The failure ratio that belongs in the event; undefined where the window had no say. */
export function failureRatioOf(trip: Trip): number | undefined {
  return trip.reason === 'failure_ratio' || trip.reason === 'slow_call_ratio'
    ? trip.failures / trip.counted
    : undefined;
}
