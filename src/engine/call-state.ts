import { formatHostPort } from '../common/authority.ts';
import type { Clock } from '../common/clock.ts';
import type {
  BodyObserver,
  CallProgress,
  Endpoint,
  FallbackSource,
  Outcome,
  Queued,
  Rejection,
  Verdict,
} from '../strategies/shared/contract.ts';
import type { Mode } from '../strategies/shared/policy.ts';
import type { Action } from './action.ts';
import type { AttemptState } from './attempt-state.ts';
import type { CallResult, EngineListener, ObservedCall } from './events.ts';
import type { Exchange } from './exchange.ts';
import type { Permits } from './permits.ts';
import type { Pipeline } from './pipeline.ts';
import type { DeadlineOwner, Timers } from './timers.ts';

/** What the calls of one engine share. */
export interface CallContext {
  readonly clock: Clock;
  readonly listener: EngineListener;
  /** The call on whose behalf a strategy is being asked, so that what the strategy reports is linked to it. */
  current: CallState | undefined;
  /** Told when our own code failed; the call concerned goes on without us. */
  readonly fault: (error: unknown) => void;
}

/** Where a call is. `paused`: between two attempts, or waiting for a recovery to make up its mind. */
export type Phase = 'admission' | 'queued' | 'in_flight' | 'paused' | 'body' | 'ended';

/**
 * Who a call is, how far it has come and what it holds: all that is known of one call, in one place. Listeners and
 * recoveries read the part of it that `ObservedCall` and `CallProgress` name; the functions of this folder write it.
 */
export class CallState implements ObservedCall, CallProgress {
  readonly context: CallContext;
  readonly pipeline: Pipeline;
  readonly exchange: Exchange;

  scope: unknown = undefined;
  /** The last refusal of ours. */
  rejection: Rejection | undefined = undefined;
  startedAtMs = 0;
  attempts = 0;
  retries = 0;
  sent = false;
  fallbackStep = 0;
  /** The endpoint of the attempt made last. */
  endpoint: Endpoint;
  result: CallResult | undefined = undefined;
  errorType: string | undefined = undefined;
  fallbackSource: FallbackSource | undefined = undefined;
  /** Whether the listener has heard anything of this call: then a span of ours may be there. */
  reported = false;
  /** The primary failed, and no retry has made up for it yet. */
  primaryFailed = false;
  /** The last that was said of the primary; what a call guard hears at the end. */
  primaryVerdict: Verdict = 'ignored';

  phase: Phase = 'admission';
  /** Counted among the pipeline's active calls. */
  active = false;
  /** Inside `begin` or a report: what is decided there waits for `proceed`. */
  reporting = false;
  pending: Action | undefined = undefined;
  /** The attempt made last, of those that are in flight or have not failed. */
  attempt: AttemptState | undefined = undefined;
  /** Others in flight at the same time, oldest first (race.ts); undefined but for a call that is hedged just now. */
  rivals: AttemptState[] | undefined = undefined;
  /** Hedges sent. */
  hedges = 0;
  /** The last real outcome, kept by the adapter: the app gets it if nothing better comes of it. */
  held: Outcome | undefined = undefined;
  /** The outcome asked about last, be it a refusal of ours. */
  latest: Outcome | undefined = undefined;
  retry: { readonly endpoint: Endpoint; readonly reason: string } | undefined = undefined;
  /** Of the call guards. */
  permits: Permits | undefined = undefined;
  nextGuard = 0;
  queued: Queued | undefined = undefined;
  timers: Timers | undefined = undefined;
  readonly deadlineOwner: DeadlineOwner;
  addedResponseHeaders: ReadonlyArray<readonly [string, string]> | undefined = undefined;
  bodyObserver: BodyObserver | undefined = undefined;

  constructor(
    { context, pipeline, exchange }: { context: CallContext; pipeline: Pipeline; exchange: Exchange },
    deadlineOwner: DeadlineOwner,
  ) {
    this.deadlineOwner = deadlineOwner;
    this.context = context;
    this.pipeline = pipeline;
    this.exchange = exchange;
    this.endpoint = pipeline.parts.primary;
  }

  get call(): Exchange {
    return this.exchange;
  }
  get policy(): string {
    return this.pipeline.policy;
  }
  get upstream(): string {
    return this.pipeline.upstream;
  }
  get mode(): Mode {
    return this.pipeline.mode;
  }
  get mayResend(): boolean {
    return this.pipeline.buffersOutcome && this.pipeline.parts.mayResend;
  }
  get protocol(): string {
    return this.exchange.protocol;
  }
  get host(): string {
    return this.exchange.host;
  }
  get port(): number {
    return this.exchange.port;
  }
  get method(): string {
    return this.exchange.method;
  }

  header(name: string): string | undefined {
    return this.exchange.header(name);
  }

  sentHeader(name: string): string | undefined {
    return this.exchange.sentHeader(name);
  }

  replayable(): boolean {
    return this.exchange.replayable();
  }

  remainingMs(nowMs: number): number {
    const totalMs = this.pipeline.parts.timeouts?.totalMs;
    return totalMs === undefined ? Number.POSITIVE_INFINITY : this.startedAtMs + totalMs - nowMs;
  }

  patternGroups(): Readonly<Record<string, string>> {
    const { protocol, host, port, path } = this.exchange;
    return this.pipeline.assignment.groups(`${protocol}//${formatHostPort(host, port)}${path}`);
  }
}
