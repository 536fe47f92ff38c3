import { formatHostPort } from '../common/authority.ts';
import type { Clock } from '../common/clock.ts';
import type { CallProgress, Endpoint, FallbackSource } from '../strategies/shared/contract.ts';
import type { Mode } from '../strategies/shared/policy.ts';
import type { CallResult, EngineListener, ObservedCall } from './events.ts';
import type { Exchange } from './exchange.ts';
import type { Pipeline } from './pipeline.ts';

/** What the calls of one engine share. */
export interface CallContext {
  readonly clock: Clock;
  readonly listener: EngineListener;
  /** The call on whose behalf a strategy is being asked, so that what the strategy reports is linked to it. */
  current: CallState | undefined;
  /** Told when our own code failed; the call concerned goes on without us. */
  readonly fault: (error: unknown) => void;
}

/** Who a call is and how far it has come: what listeners and recoveries read. Its execution writes it. */
export class CallState implements ObservedCall, CallProgress {
  readonly context: CallContext;
  readonly pipeline: Pipeline;
  readonly exchange: Exchange;

  scope: unknown = undefined;
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

  constructor(context: CallContext, pipeline: Pipeline, exchange: Exchange) {
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
