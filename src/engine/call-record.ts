import { formatHostPort } from '../common/authority.ts';
import type { Clock } from '../common/clock.ts';
import type {
  CallProgress,
  Endpoint,
  FallbackSource,
  Permit,
  Rejection,
  Verdict,
} from '../strategies/shared/contract.ts';
import type { Mode } from '../strategies/shared/policy.ts';
import type { CallResult, EngineListener, ObservedCall, ResilienceEvent } from './events.ts';
import type { Exchange } from './exchange.ts';
import { count, type Pipeline } from './pipeline.ts';

/** What the calls of one engine share. */
export interface CallContext {
  readonly clock: Clock;
  readonly listener: EngineListener;
  /** The call on whose behalf a strategy is being asked, so that what the strategy tells is linked to it. */
  current: CallRecord | undefined;
  /** Told when our own code failed; the call concerned goes on without us. */
  readonly fault: (error: unknown) => void;
}

/**
 * The books of one call: who it is, what it holds, how it went. Every permit it holds is released exactly once, the
 * monitor hears of it at most once, and it ends once.
 */
export abstract class CallRecord implements ObservedCall, CallProgress {
  protected readonly context: CallContext;
  protected readonly pipeline: Pipeline;
  protected readonly exchange: Exchange;

  scope: unknown = undefined;
  rejection: Rejection | undefined = undefined;
  startedAtMs = 0;
  attempts = 0;
  retries = 0;
  sent = false;
  fallbackStep = 0;
  endpoint: Endpoint;
  result: CallResult | undefined = undefined;
  errorType: string | undefined = undefined;
  fallbackSource: FallbackSource | undefined = undefined;

  /** Whether the listener has been told anything of this call: then a span of ours may be there. */
  told = false;
  protected ended = false;
  /** Counted among the pipeline's active calls. */
  #active = false;
  #attemptPermit: Permit | undefined = undefined;
  #callPermits: Permit[] | undefined = undefined;
  /** Whether the attempt in flight has had its verdict. */
  #judged = true;
  /** The primary failed, and no retry has made up for it yet. */
  #primaryFailed = false;

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

  protected open(nowMs: number): void {
    this.startedAtMs = nowMs;
    this.pipeline.active++;
    this.#active = true;
    this.pipeline.lastUsedMs = nowMs;
    this.context.listener.callStarted(this);
    this.pipeline.parts.budget?.deposit(nowMs);
  }

  /** Keeps a call guard's permit until the call ends. */
  protected keep(permit: Permit): void {
    this.#callPermits ??= [];
    this.#callPermits.push(permit);
  }

  /** Takes the breaker's slot: always the last admission before the wire. */
  protected acquire(endpoint: Endpoint, nowMs: number): Rejection | undefined {
    if (endpoint.breaker === undefined) return undefined;
    const outer = this.context.current;
    this.context.current = this;
    const admission = endpoint.breaker.acquire(this.exchange, nowMs);
    this.context.current = outer;
    if (admission.kind === 'rejection') return admission;
    if (admission.kind === 'permit') this.#attemptPermit = admission;
    return undefined;
  }

  protected attemptStarted(endpoint: Endpoint): void {
    this.endpoint = endpoint;
    this.attempts++;
    this.#judged = false;
  }

  protected responded(nowMs: number): void {
    this.#attemptPermit?.responded?.(nowMs);
  }

  /** The verdict on the attempt in flight; later ones on the same attempt change nothing. */
  protected judge(verdict: Verdict, nowMs: number): void {
    if (this.#judged) return;
    this.#judged = true;
    const permit = this.#attemptPermit;
    this.#attemptPermit = undefined;
    const outer = this.context.current;
    this.context.current = this;
    permit?.release(verdict, nowMs);
    if (this.endpoint.target === undefined) {
      if (verdict === 'success') this.pipeline.monitor.record(false);
      this.#primaryFailed = verdict === 'failure';
    }
    this.context.current = outer;
  }

  /** The same endpoint is tried once more: what the primary did so far doesn't count yet. */
  protected retried(): void {
    this.retries++;
    if (this.endpoint.target === undefined) this.#primaryFailed = false;
  }

  /** No further attempt on the primary will come: the monitor hears how it did. */
  protected tellMonitor(): void {
    if (!this.#primaryFailed) return;
    this.#primaryFailed = false;
    const outer = this.context.current;
    this.context.current = this;
    this.pipeline.monitor.record(true);
    this.context.current = outer;
  }

  protected recordRejection(rejection: Rejection): void {
    count(this.pipeline.counts.rejections, rejection.reason);
    if (this.attempts === 0) this.pipeline.monitor.recordRejection();
    this.rejection = rejection;
    this.tell({ type: 'call_rejected', reason: rejection.reason });
  }

  protected recordRetry(reason: string, delayMs: number): void {
    count(this.pipeline.counts.retries, reason);
    this.tell({ type: 'retry_scheduled', reason, delayMs, resend: this.attempts });
  }

  protected recordFallback(source: FallbackSource, errorType: string): void {
    count(this.pipeline.counts.fallbacks, source);
    this.tell({ type: 'fallback_used', source, errorType });
  }

  /** Whether attempts are to be made inside `around`. */
  get needsAttemptContext(): boolean {
    return this.told || this.mayResend;
  }

  protected tell(event: ResilienceEvent): void {
    this.told = true;
    this.context.listener.event(event, this.pipeline, this);
  }

  /** The call has ended for the app and on the wire. */
  protected close(nowMs: number): void {
    this.ended = true;
    this.judge('ignored', nowMs);
    this.tellMonitor();
    const permits = this.#callPermits;
    if (permits !== undefined)
      for (let permit = permits.shift(); permit !== undefined; permit = permits.shift())
        permit.release('success', nowMs);
    this.#leaveBooks(nowMs);
  }

  #leaveBooks(nowMs: number): void {
    if (!this.#active) return;
    this.#active = false;
    this.pipeline.active--;
    if (this.result !== undefined) this.pipeline.counts.results[this.result]++;
    this.context.listener.callEnded(this, nowMs - this.startedAtMs);
  }

  /** After a fault of ours: gives back all that is still held, whatever else goes wrong, and judges nothing. */
  protected abandon(error: unknown): void {
    const { context } = this;
    const nowMs = context.clock.now();
    const permits = [this.#attemptPermit, ...(this.#callPermits ?? [])];
    this.ended = true;
    this.#judged = true;
    this.#attemptPermit = undefined;
    this.#callPermits = undefined;
    context.current = undefined;
    context.fault(error);
    for (const permit of permits) this.harmless(() => permit?.release('ignored', nowMs));
    this.harmless(() => this.#leaveBooks(nowMs));
  }

  /** Does what must not keep the rest from being done. */
  protected harmless(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.context.fault(error);
    }
  }
}
