import type { ForeignOrigin } from '../../common/caller-identity.ts';
import type { ResilienceError } from '../../errors.ts';
import type { CircuitState } from '../circuit-breaker/transition.ts';

/**
 * The two contracts every strategy keeps (DESIGN §3): a guard admits a call or an attempt, a recovery reacts to an
 * outcome. Strategies know no HTTP client and no OpenTelemetry; time comes in as `nowMs`, read once at the door.
 */

/** What an ended attempt says of its endpoint. `ignored` says nothing: our own rejections and the caller's aborts. */
export type Verdict = 'success' | 'failure' | 'ignored';

export const REJECTION_REASONS = [
  'circuit_open',
  'bulkhead_full',
  'bulkhead_timeout',
  'rate_limited',
  'admission',
  'total_timeout',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

export type FallbackSource = 'endpoint' | 'cache' | 'degraded' | 'handler';

/** What strategies may know of a call. */
export interface CallInfo {
  /** `http:` or `https:`. */
  readonly protocol: string;
  /** Host name or address without brackets and port; for a unix socket, the socket's path. */
  readonly host: string;
  readonly port: number;
  /** Upper case. */
  readonly method: string;
  /** Path and query as the app gave them. */
  readonly path: string;
  /** A request header by its lower-case name; several values are joined by `, `. */
  header(name: string): string | undefined;
  /**
   * All request headers as they are now, which is as they were sent once an attempt has been made: names in lower case,
   * repeated fields repeated.
   */
  headers(): Iterable<readonly [name: string, value: string]>;
  /**
   * What names the caller apart from headers, as one string: a TLS client certificate or key (of the options or the
   * agent), userinfo, `auth`. To be hashed, never shown. Undefined: nothing does.
   */
  credentials(): string | undefined;
  /** Whether the request has content (RFC 9110 section 6.4), or may still get some. */
  hasContent(): boolean;
  /**
   * An app may set headers and write a body after it has made the request. Undefined: both are as they will be sent.
   * Otherwise a promise that is fulfilled when they are, or when the call has ended.
   */
  whenFinal(): Promise<void> | undefined;
  /**
   * Whether something the app set ties the call to its place or to an identity there (a socket path, `lookup`,
   * `servername`, a client certificate, an agent with any of these): it must then go to no other origin.
   */
  pinned(): boolean;
}

/** The head of a response. `header` takes lower-case names. */
export interface ResponseHead {
  readonly status: number;
  header(name: string): string | undefined;
  /** All fields in order: names in lower case, repeated fields repeated. */
  entries(): Iterable<readonly [name: string, value: string]>;
}

/** Admission. Released exactly once, when the guarded thing has ended. */
export interface Permit {
  readonly kind: 'permit';
  /** The response's head has arrived (at most once, before the release). A half-open probe's lease needs to know. */
  responded?(nowMs: number): void;
  /** A good head of the upstream came `headMs` after its attempt was sent; a call may have several attempts. */
  headCame?(headMs: number, nowMs: number): void;
  /** An attempt ran into a time limit before its head. */
  headTimedOut?(nowMs: number): void;
  /** For a call guard: with the last verdict on the upstream itself; `ignored` when the call never got there. */
  release(verdict: Verdict, nowMs: number): void;
}

/** Refusal. The error is made only when somebody gets to see it: in observe mode nobody does. */
export interface Rejection {
  readonly kind: 'rejection';
  readonly reason: RejectionReason;
  toError(): ResilienceError;
}

/** A place in a queue. Settles once, and not after `cancel`, which gives the place up at once. */
export interface Queued {
  readonly kind: 'queued';
  onSettled(listener: (admission: Permit | Rejection, nowMs: number) => void): void;
  cancel(nowMs: number): void;
}

export type Admission = Permit | Rejection | Queued;

/** Admits calls (limiter, bulkhead) or attempts (circuit breaker). */
export interface Guard {
  acquire(call: CallInfo, nowMs: number): Admission;
  /** Sees the head of every response of the upstream, before anything else reacts to it (`Retry-After`). */
  onResponse?(head: ResponseHead, nowMs: number): void;
  /** Whether its permits want to know how long heads take. */
  readonly timesHeads?: boolean;
  /** Whether forgetting it now would let calls pass that it would refuse or delay. */
  isLimiting?(nowMs: number): boolean;
}

/** A guard of attempts whose state others may ask for before they spend anything on an attempt it would reject. */
export interface AttemptGuard extends Guard {
  /** At once: an attempt is not kept waiting here. */
  acquire(call: CallInfo, nowMs: number): Permit | Rejection;
  state(nowMs: number): CircuitState;
}

/** One place an attempt can go. */
export interface Endpoint {
  /** The breaker's name: the upstream's, or `<upstream>/<host:port>` for a fallback endpoint. */
  readonly name: string;
  /** Where to send instead; undefined for the primary: where the app sent the call. */
  readonly target: EndpointTarget | undefined;
  readonly breaker: AttemptGuard | undefined;
}

export interface EndpointTarget extends ForeignOrigin {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  /** Goes before the call's own path; empty or starting with `/`, never ending with it. */
  readonly basePath: string;
}

/** A complete answer that did not come from the wire. */
export interface Substitute {
  readonly status: number;
  readonly statusText?: string;
  /** In order; a name may repeat. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: Uint8Array;
}

/** How an attempt, or the attempt to make one, ended. */
export type Outcome =
  | { readonly kind: 'response'; readonly verdict: Verdict; readonly head: ResponseHead }
  | { readonly kind: 'error'; readonly verdict: Verdict; readonly error: Error; readonly neverSent: boolean }
  | { readonly kind: 'rejection'; readonly rejection: Rejection }
  /** No attempt was made: the monitor calls the upstream unhealthy, and the policy diverts for that. */
  | { readonly kind: 'unhealthy' };

/** What a recovery does about an outcome. */
export type RecoveryAction =
  | { readonly kind: 'retry'; readonly afterMs: number; readonly reason: string }
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'response'; readonly response: Substitute; readonly source: FallbackSource };

/** How far a call has come, as a recovery sees it. */
export interface CallProgress {
  readonly call: CallInfo;
  readonly upstream: string;
  /** In observe mode a recovery says what it would do, and does nothing (calls no handler). */
  readonly mode: 'enforce' | 'observe';
  /** Named groups of the URL pattern that chose the policy, percent-decoded. */
  patternGroups(): Readonly<Record<string, string>>;
  /** Attempts made so far, on whatever endpoint. */
  readonly attempts: number;
  /** Attempts that were retries. */
  readonly retries: number;
  /** Whether any attempt may have left this process. While none has, a request may be repeated whatever it does. */
  readonly sent: boolean;
  /** The endpoint the outcome is of. */
  readonly endpoint: Endpoint;
  /** Milliseconds left of the total time; Infinity without a total timeout. */
  remainingMs(nowMs: number): number;
  /** Whether the request can be sent once more in full: its body is complete and was recorded, or never began. */
  replayable(): boolean;
  /** The next link of the fallback chain to try; the fallback strategy's own bookmark. */
  fallbackStep: number;
}

/** Reacts to an outcome that the app has not seen. Undefined: nothing to add, let the next one, or the app, have it. */
export interface Recovery {
  /** Whether it may bring about further attempts, as opposed to answers only. */
  readonly mayResend: boolean;
  recover(
    progress: CallProgress,
    outcome: Outcome,
    nowMs: number,
  ): RecoveryAction | undefined | Promise<RecoveryAction | undefined>;
  /** Whether a body of this response is wanted (the cache's capture). Called once per delivered response. */
  capture?(progress: CallProgress, head: ResponseHead, nowMs: number): BodyObserver | undefined;
}

/** Sees the body of a delivered response go by. Must not keep a chunk without copying it, nor throw. */
export interface BodyObserver {
  chunk(data: Uint8Array): void;
  /** `complete` is false when the body died or the caller left. */
  end(complete: boolean): void;
}
