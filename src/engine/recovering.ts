import type { BodyObserver, Endpoint, Outcome, RecoveryAction, Rejection } from '../strategies/shared/contract.ts';
import { perform, RELEASE, type Step, WAIT } from './action.ts';
import { watchBody } from './body-watch.ts';
import { CallRecord } from './call-record.ts';
import { Deadlines } from './deadlines.ts';
import { errorType } from './error-type.ts';
import type { CallResult } from './events.ts';
import type { Attempt } from './exchange.ts';

/** Where a call is. `paused`: between two attempts, or waiting for a recovery to make up its mind. */
export type Phase = 'admission' | 'queued' | 'in_flight' | 'paused' | 'body';

const ENDPOINT_MARKS = [['resilience-source', 'endpoint']] as const;

/** The second half of a call's way: what comes of an outcome, and how the call ends. */
export abstract class Recovering extends CallRecord {
  addedResponseHeaders: ReadonlyArray<readonly [string, string]> | undefined = undefined;
  bodyObserver: BodyObserver | undefined = undefined;

  protected phase: Phase = 'admission';
  /** Inside `begin` or a report: steps wait for `proceed`. */
  protected reporting = false;
  protected step: Step | undefined = undefined;
  protected deadlines: Deadlines | undefined = undefined;
  /** The last real outcome, kept by the adapter: the app gets it if nothing better comes of it. */
  #held: Outcome | undefined = undefined;
  /** `error.type` of what an endpoint of the fallback chain stands in for. */
  #replaced = '';

  protected abstract attempt(endpoint: Endpoint, nowMs: number): void;
  protected abstract launch(endpoint: Endpoint, nowMs: number): Step;

  proceed(): void {
    const { step } = this;
    this.step = undefined;
    if (step !== undefined) this.#perform(step);
  }

  protected timers(): Deadlines {
    this.deadlines ??= new Deadlines(this.context.clock, (error) => this.rescue(error));
    return this.deadlines;
  }

  protected take(step: Step): void {
    if (this.reporting) this.step = step;
    else this.#perform(step);
  }

  #perform(step: Step): void {
    // What was held is thrown away with the next attempt: from here on only that one counts.
    if (step.kind === 'send') this.#held = undefined;
    try {
      perform(step, this.exchange);
    } catch (error) {
      // An adapter that cannot do it: a call that fails is better than one that never ends.
      this.abandon(error);
      this.harmless(() => this.exchange.fail(error as Error));
    }
  }

  /**
   * A fault of ours where no adapter waits for an answer: the app gets what outcome there is; where there is none, a
   * plain attempt is made.
   */
  protected rescue(error: unknown): void {
    const { phase, ended } = this;
    this.abandon(error);
    // On the wire already: it goes on to its own end.
    if (ended || phase === 'in_flight' || phase === 'body') return;
    const attempt = this.plainAttempt();
    this.harmless(() => perform(this.#held === undefined ? { kind: 'send', attempt } : RELEASE, this.exchange));
  }

  /** What is made where the engine has nothing more to say. */
  protected plainAttempt(): Attempt {
    return { number: this.attempts + 1, endpoint: this.pipeline.parts.primary };
  }

  protected override abandon(error: unknown): void {
    this.reporting = false;
    this.step = undefined;
    this.deadlines?.cancelAll();
    this.bodyObserver?.end(false);
    super.abandon(error);
  }

  /** We refused: the recoveries may have something better than our error. */
  protected reject(rejection: Rejection, nowMs: number): void {
    this.recordRejection(rejection);
    const outcome: Outcome = { kind: 'rejection', rejection };
    this.take(this.react(outcome, nowMs) ?? this.#surrender(outcome, nowMs));
  }

  /** Whether something is done about the outcome being reported; what it is waits for `proceed`. */
  protected recovers(outcome: Outcome, nowMs: number): boolean {
    if (this.pipeline.parts.recoveries.length === 0) return false;
    const before = this.#held;
    if (outcome.kind !== 'rejection') this.#held = outcome;
    this.reporting = true;
    const step = this.react(outcome, nowMs);
    this.reporting = false;
    if (step === undefined) this.#held = before;
    this.step = step;
    return step !== undefined;
  }

  /** What comes of an outcome; undefined when nothing does. */
  protected react(outcome: Outcome, nowMs: number): Step | undefined {
    let current = outcome;
    for (;;) {
      const remedy = this.#ask(current, nowMs);
      if (remedy === undefined) return undefined;
      if (this.mode === 'observe') return this.#wouldHave(remedy, outcome);
      this.#judgeReplaced(outcome, nowMs);
      if (remedy instanceof Promise) return this.#await(remedy, current);
      if (remedy.kind === 'retry') return this.#scheduleRetry(remedy.reason, remedy.afterMs);
      if (remedy.kind === 'response') return this.#substitute(remedy, outcome, nowMs);
      const rejection = this.acquire(remedy.endpoint, nowMs);
      if (rejection === undefined) {
        this.tellMonitor();
        this.#replaced = errorType(outcome);
        return this.launch(remedy.endpoint, nowMs);
      }
      this.recordRejection(rejection);
      current = { kind: 'rejection', rejection };
    }
  }

  /** Before another attempt takes its place: that one has a verdict of its own. */
  #judgeReplaced(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'response') this.judge(outcome.verdict, nowMs);
  }

  #ask(outcome: Outcome, nowMs: number): RecoveryAction | undefined | Promise<RecoveryAction | undefined> {
    for (const recovery of this.pipeline.parts.recoveries) {
      const remedy = recovery.recover(this, outcome, nowMs);
      if (remedy !== undefined) return remedy;
    }
    return undefined;
  }

  /** Only a substitute is worth waiting for; a recovery that fails, or has none, leaves the outcome itself. */
  #await(promise: Promise<RecoveryAction | undefined>, outcome: Outcome): Step {
    this.phase = 'paused';
    const settled = (remedy: RecoveryAction | undefined): void => {
      if (this.phase !== 'paused' || this.ended) return;
      const nowMs = this.context.clock.now();
      if (remedy?.kind === 'response') this.take(this.#substitute(remedy, outcome, nowMs));
      else if (outcome.kind === 'unhealthy') this.attempt(this.pipeline.parts.primary, nowMs);
      else this.take(this.#surrender(outcome, nowMs));
    };
    promise.then(settled, () => settled(undefined)).catch((error: unknown) => this.rescue(error));
    return WAIT;
  }

  #scheduleRetry(reason: string, afterMs: number): Step {
    this.recordRetry(reason, afterMs);
    this.retried();
    this.phase = 'paused';
    const { endpoint } = this;
    this.timers().pause(() => this.attempt(endpoint, this.context.clock.now()), afterMs);
    return WAIT;
  }

  #substitute(remedy: RecoveryAction & { kind: 'response' }, outcome: Outcome, nowMs: number): Step {
    this.fallbackSource = remedy.source;
    this.recordFallback(remedy.source, errorType(outcome));
    this.end('fallback', undefined, nowMs);
    return { kind: 'respond', response: remedy.response };
  }

  /** Observe mode: says what would have been done, and does nothing. */
  #wouldHave(remedy: RecoveryAction | Promise<RecoveryAction | undefined>, outcome: Outcome): undefined {
    // Nothing waits for it; what comes of it nobody knows.
    if (remedy instanceof Promise) remedy.catch(() => {});
    else if (remedy.kind === 'retry') this.recordRetry(remedy.reason, remedy.afterMs);
    else this.recordFallback(remedy.kind === 'endpoint' ? 'endpoint' : remedy.source, errorType(outcome));
  }

  /** Nothing is left to try: the app gets the last real outcome, or, if there was none, our error. */
  #surrender(outcome: Outcome, nowMs: number): Step {
    const real = this.#held ?? outcome;
    if (real.kind === 'response') {
      this.deliver(real, nowMs);
      return RELEASE;
    }
    if (real.kind === 'rejection') {
      this.end('rejected', errorType(real), nowMs);
      return { kind: 'fail', error: real.rejection.toError() };
    }
    this.end('failure', errorType(real), nowMs);
    return RELEASE;
  }

  /** The app gets this response; the call goes on until its body has ended. */
  protected deliver(outcome: Outcome & { kind: 'response' }, nowMs: number): void {
    this.phase = 'body';
    this.deadlines?.cancelAll();
    const failed = outcome.verdict === 'failure';
    this.result = failed ? 'failure' : 'success';
    if (failed) this.errorType = errorType(outcome);
    if (this.endpoint.target !== undefined) {
      this.addedResponseHeaders = ENDPOINT_MARKS;
      if (!failed) {
        this.result = 'fallback';
        this.fallbackSource = 'endpoint';
        this.recordFallback('endpoint', this.#replaced);
      }
    }
    this.tellMonitor();
    this.bodyObserver = watchBody(this, this.pipeline.parts, this.context.clock, {
      head: outcome.head,
      nowMs,
      awaitsReader: () => this.exchange.awaitsReader(),
      onIdle: (idleMs) => this.harmless(() => this.onIdleTimeout(idleMs)),
      fault: this.context.fault,
    });
  }

  protected abstract onIdleTimeout(idleMs: number): void;

  protected end(result: CallResult, error: string | undefined, nowMs: number): void {
    this.result = result;
    this.errorType = error;
    this.finish(nowMs, false);
  }

  protected finish(nowMs: number, complete: boolean): void {
    this.deadlines?.cancelAll();
    this.bodyObserver?.end(complete);
    this.close(nowMs);
  }
}
