import { readableDuration } from '../../common/duration.ts';
import { CircuitOpenError } from '../../errors.ts';
import type { Rejection } from '../shared/contract.ts';
import type { ForcedOpen, HalfOpen, Open } from './state.ts';

export interface CircuitNames {
  readonly circuit: string;
  readonly upstream: string;
}

/** What a circuit answers that lets nothing through. Many are made while it is open, few become errors. */
export class CircuitOpenRejection implements Rejection {
  readonly kind = 'rejection';
  readonly reason = 'circuit_open';
  readonly #names: CircuitNames;
  readonly #state: Open | HalfOpen | ForcedOpen;
  readonly #retryAfterMs: number;

  constructor(names: CircuitNames, state: Open | HalfOpen | ForcedOpen, nowMs: number) {
    this.#names = names;
    this.#state = state;
    this.#retryAfterMs = state.name === 'open' ? state.untilMs - nowMs : 0;
  }

  toError(): CircuitOpenError {
    const { circuit, upstream } = this.#names;
    const detail = describe(this.#state, this.#retryAfterMs);
    // A fallback endpoint's circuit has a name of its own.
    return new CircuitOpenError(upstream, this.#retryAfterMs, circuit === upstream ? detail : `${circuit}: ${detail}`);
  }
}

function describe(state: Open | HalfOpen | ForcedOpen, retryAfterMs: number): string {
  switch (state.name) {
    case 'forced_open':
      return 'forced open';
    case 'half_open':
      return `half-open, all its probes are running, ${state.successes} succeeded so far`;
    case 'open':
      return `${describeTrip(state)}, next probe in ${readableDuration(retryAfterMs)}`;
  }
}

function describeTrip({ trip, openings }: Open): string {
  switch (trip.reason) {
    case 'failure_ratio':
      return `${trip.failures} of ${trip.counted} attempts failed`;
    case 'slow_call_ratio':
      return `${trip.slow} of ${trip.counted} attempts were slow`;
    case 'consecutive_failures':
      return `${trip.consecutiveFailures} failures in a row`;
    case 'probe_failed':
      return `a probe failed, opened ${openings} times in a row`;
  }
}
