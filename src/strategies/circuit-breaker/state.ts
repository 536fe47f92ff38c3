import type { ClosedPermit, Probe } from './permits.ts';
import type { Trip } from './trip.ts';

/** Attempts pass and are counted. */
export interface Closed {
  readonly name: 'closed';
  /** Shared by all attempts of this state that need no start time of their own. */
  readonly permit: ClosedPermit;
  /** Openings in a row so far; the next one lasts longer for each. Forgotten once a whole window has stayed closed. */
  openings: number;
  consecutiveFailures: number;
}

/** Attempts are rejected until the time is over. */
export interface Open {
  readonly name: 'open';
  readonly untilMs: number;
  /** Openings in a row, this one included. */
  readonly openings: number;
  readonly trip: Trip;
}

/** A few attempts pass as probes; their results decide. */
export interface HalfOpen {
  readonly name: 'half_open';
  readonly openings: number;
  /** In flight. A probe drives the circuit only as long as it is in here. */
  readonly probes: Probe[];
  successes: number;
}

/** Attempts are rejected until somebody resets the circuit. */
export interface ForcedOpen {
  readonly name: 'forced_open';
}

/** Attempts pass until somebody resets the circuit; their results are counted for the eye only. */
export interface ForcedClosed {
  readonly name: 'forced_closed';
  readonly permit: ClosedPermit;
}

export type State = Closed | Open | HalfOpen | ForcedOpen | ForcedClosed;
