import type { TimeoutScope } from '../errors.ts';
import type { Transition } from '../strategies/circuit-breaker/transition.ts';
import { type FallbackSource, REJECTION_REASONS, type RejectionReason } from '../strategies/shared/contract.ts';
import type { Mode } from '../strategies/shared/policy.ts';

export { type FallbackSource, type Mode, REJECTION_REASONS, type RejectionReason, type TimeoutScope };

/** What the engine tells its listener. Names are past tense; telemetry alone knows how they are spelt outside. */

export interface CircuitStateChanged extends Transition {
  readonly type: 'circuit_state_changed';
  readonly circuit: string;
}

export interface HealthChanged {
  readonly type: 'health_changed';
  readonly state: 'healthy' | 'unhealthy';
  readonly errorRatio: number;
}

export interface RetryScheduled {
  readonly type: 'retry_scheduled';
  readonly reason: string;
  readonly delayMs: number;
  /** Ordinal of the resend: 1 for the first. */
  readonly resend: number;
}

/** Another attempt was sent beside the one in flight. */
export interface HedgeSent {
  readonly type: 'hedge_sent';
  /** Where it went: a name as of a circuit. */
  readonly endpoint: string;
  /** How long the last attempt had been without a head. */
  readonly delayMs: number;
  /** Ordinal of the hedge: 1 for the first of the call. */
  readonly hedge: number;
}

/** What became of a hedge: the app got its answer, another attempt's, or it failed. */
export type HedgeOutcome = 'won' | 'lost' | 'failed';

export interface CallRejected {
  readonly type: 'call_rejected';
  readonly reason: RejectionReason;
}

export interface CallTimedOut {
  readonly type: 'call_timed_out';
  readonly scope: TimeoutScope;
  readonly timeoutMs: number;
}

export interface CallQueued {
  readonly type: 'call_queued';
  readonly waitedMs: number;
}

export interface FallbackUsed {
  readonly type: 'fallback_used';
  readonly source: FallbackSource;
  /** What the fallback stood in for, as `error.type`. */
  readonly errorType: string;
}

export type ResilienceEvent =
  | CircuitStateChanged
  | HealthChanged
  | RetryScheduled
  | HedgeSent
  | CallRejected
  | CallTimedOut
  | CallQueued
  | FallbackUsed;

/** The upstream and policy an event is of. */
export interface EventSource {
  readonly policy: string;
  readonly upstream: string;
  readonly mode: Mode;
}

export type CallResult = 'success' | 'failure' | 'rejected' | 'fallback';

/** A call as telemetry sees it. */
export interface ObservedCall extends EventSource {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** Wall-clock-independent start, in milliseconds of the engine's clock. */
  readonly startedAtMs: number;
  readonly attempts: number;
  /** Whether the policy may make further attempts, so that the span is opened at once and attempts nest in it. */
  readonly mayResend: boolean;
  /** Known from `callEnded` on. */
  readonly result: CallResult | undefined;
  /** `error.type` of what the app sees; undefined on success. */
  readonly errorType: string | undefined;
  readonly fallbackSource: FallbackSource | undefined;
  /** What the call was last refused by; it can say why, at some cost. */
  readonly rejection?: { toError(): Error } | undefined;
  /** A request header as the app set it, by its lower-case name. */
  header(name: string): string | undefined;
  /** A request header of the attempt in flight or last sent, as instrumentations below us left it. */
  sentHeader(name: string): string | undefined;
  /** The listener's own: whatever it keeps of the call (caller's context, span). */
  scope: unknown;
}

/** Hears everything. Must not throw; the engine guards against it all the same. */
export interface EngineListener {
  /** A call is about to be judged; the moment to note the caller's context in `call.scope`. On the path of every call. */
  callStarted(call: ObservedCall): void;
  /** `call` is undefined for what no call caused: manual changes, leases found expired by a reader. */
  event(event: ResilienceEvent, source: EventSource, call: ObservedCall | undefined): void;
  /** Runs `send`, which makes attempt `number`, in the context its CLIENT span is to have as a parent. */
  attempt(call: ObservedCall, number: number, send: () => void): void;
  /** Once per call, when it has ended for the app and on the wire. */
  callEnded(call: ObservedCall, durationMs: number): void;
}

/** Hears nothing. */
export const SILENT: EngineListener = {
  callStarted() {},
  event() {},
  attempt(_call, _number, send) {
    send();
  },
  callEnded() {},
};
