import type { LoopClock } from './loop-clock.ts';
import type { CallPlan } from './plan.ts';

/** What an app saw of one call. */
export interface CallReport {
  /** In order, with nothing left out: `response <status>`, `end`, `error <code>`, `body error <code>`, `finish`, `close`. */
  readonly events: readonly string[];
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Whether the app wrote all of its body and ended the request. */
  readonly wroteAll: boolean;
  /** From the call until it settled, by the clock of the loop. */
  readonly settledMs: number;
  /** Broken promises towards the app that only the driver can see, such as a callback called twice. */
  readonly faults: readonly string[];
}

export interface Place {
  readonly clock: LoopClock;
  readonly port: number;
  /** Nobody listens there. */
  readonly deadPort: number;
}

/** Makes calls with one client, as an app would; resolves when a call has settled, or when it is clear that it will not. */
export interface ClientDriver {
  readonly name: string;
  /** Whether the client can do what a plan asks for. */
  supports(plan: CallPlan): boolean;
  call(plan: CallPlan, place: Place): Promise<CallReport>;
  close(): void;
}

/** A call that has not settled by then never will: far beyond every time limit of the policies and the plans. */
export const NEVER_MS = 30_000;
