/**
 * What the status page is told, and whoever else asks `/status` or listens to `/events`. A contract with the outside: a
 * field may be added, none changes or goes away without a new `version`. Imports nothing, as the page in the browser
 * shares it.
 */
export const DOCUMENT_VERSION = 2;

/** `GET /status`, and the first event (`snapshot`) of `/events`. Times are milliseconds since the epoch. */
export interface StatusDocument {
  readonly version: typeof DOCUMENT_VERSION;
  readonly process: ProcessFacts;
  readonly at: number;
  /** Between two samples. */
  readonly intervalMs: number;
  /** Whether a token is configured, without which circuits cannot be steered from here. */
  readonly actions: boolean;
  /** When each point of every upstream's history was taken, oldest first. */
  readonly sampledAt: readonly number[];
  readonly upstreams: readonly UpstreamStatus[];
  /** Upstreams beyond the limit of what is kept here. */
  readonly omittedUpstreams: number;
  /** Newest last. */
  readonly changes: readonly Change[];
}

export interface ProcessFacts {
  readonly pid: number;
  /** 0 is the main thread. */
  readonly threadId: number;
  readonly node: string;
  /** Of this package. */
  readonly packageVersion: string;
  readonly startedAt: number;
}

/** `sample` of `/events`: what has become of every upstream since the last one. */
export interface SampleDocument {
  readonly at: number;
  readonly upstreams: ReadonlyArray<UpstreamNow & { readonly point: Point }>;
  readonly omittedUpstreams: number;
}

export type CircuitStateName = 'closed' | 'open' | 'half_open' | 'forced_open' | 'forced_closed';

/** What steers the circuit of that name, by `POST /circuits/<action>`. */
export type CircuitAction = 'probe-now' | 'force-open' | 'force-closed' | 'reset';

export interface CircuitStatus {
  readonly name: string;
  readonly state: CircuitStateName;
  /** 0 to 1; null below the minimum of counted attempts. */
  readonly failureRatio: number | null;
  readonly counted: number;
  readonly failures: number;
  /** Until an open circuit lets a probe through. */
  readonly retryAfterMs: number;
  /** How long it has been in this state. */
  readonly sinceMs: number;
  /** How long ago it last let every attempt through, probes or not in between; 0 while it does. */
  readonly outageMs: number;
  /** Attempts it refused in that time; in observe mode: would have refused. */
  readonly rejectedInOutage: number;
}

/** Percentiles of the durations of calls that ended in the last 10 to 20 s, rejected ones left out. */
export interface Latency {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly count: number;
}

/** How many calls ended how, since the upstream was first called. */
export interface Results {
  readonly success: number;
  readonly failure: number;
  readonly rejected: number;
  readonly fallback: number;
}

export interface UpstreamNow {
  readonly policy: string;
  readonly upstream: string;
  readonly mode: 'enforce' | 'observe';
  /** The primary's first; empty without a circuit breaker. */
  readonly circuits: readonly CircuitStatus[];
  /** Failed calls among the last ones, 0 to 1; null before the first. */
  readonly errorRatio: number | null;
  readonly unhealthy: boolean;
  readonly results: Results;
  readonly latency: Latency | null;
  /** Since the upstream was first called, by reason or source. In observe mode: what would have been done. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<string, number>>;
  /** By what became of them: won, lost, failed. */
  readonly hedges: Readonly<Record<string, number>>;
  readonly fallbacks: Readonly<Record<string, number>>;
  /** The chance that the next call is refused, 0 to 1; null without admission. */
  readonly admission: { readonly probability: number } | null;
  readonly bulkhead: {
    readonly executing: number;
    readonly queued: number;
    /** The limit of now. */
    readonly maxConcurrent: number;
    readonly maxQueue: number;
    /** Between what the limit moves; only where it adapts. */
    readonly adaptive?: { readonly min: number; readonly max: number };
  } | null;
  /** Retries the budget would allow now. */
  readonly retryBudget: number | null;
}

/** The columns of a history, in this order. Rates are calls a second, latencies milliseconds. */
export const COLUMNS = ['errorRatio', 'success', 'failure', 'rejected', 'fallback', 'p50Ms', 'p95Ms'] as const;
export type Column = (typeof COLUMNS)[number];
/** Null: not known then. */
export type Point = Readonly<Record<Column, number | null>>;
export type History = Readonly<Record<Column, ReadonlyArray<number | null>>>;

export interface UpstreamStatus extends UpstreamNow {
  /** Each column as long as `sampledAt`. */
  readonly history: History;
}

/** `change` of `/events`: a change of state, as it happens. */
export interface Change {
  /** Counts up from 1 in this process. */
  readonly id: number;
  readonly at: number;
  readonly type: 'circuit' | 'health';
  readonly policy: string;
  readonly upstream: string;
  readonly mode: 'enforce' | 'observe';
  /** The circuit's name; the upstream's for a change of health. */
  readonly name: string;
  readonly state: string;
  readonly previousState: string;
  readonly reason: string;
  /** Failure ratio of the circuit's window, or error ratio of the upstream. */
  readonly ratio: number | null;
  /** Of the call that caused it; null without a call or an SDK. */
  readonly traceId: string | null;
  readonly spanId: string | null;
  readonly requestId: string | null;
}
