import { TimeoutError } from '../errors.ts';
import type {
  BodyObserver,
  Endpoint,
  Outcome,
  Permit,
  Queued,
  RecoveryAction,
  Rejection,
  ResponseHead,
  Verdict,
} from '../strategies/shared/contract.ts';
import { type Action, RELEASE, WAIT } from './action.ts';
import { Admission } from './admission.ts';
import { AttemptState, acquireAttempt, judge, settleHealth } from './attempt-state.ts';
import { watchBody } from './body-watch.ts';
import { emit, emitFallback, emitRejection } from './call-events.ts';
import { type CallContext, CallState } from './call-state.ts';
import { decide, substitute } from './decide.ts';
import { errorType, typeOfError } from './error-type.ts';
import type { CallResult } from './events.ts';
import type { Attempt, Disposition, Exchange } from './exchange.ts';
import { Permits } from './permits.ts';
import { count, type Pipeline } from './pipeline.ts';
import { type DeadlineKind, type DeadlineOwner, Timers } from './timers.ts';

/** Where a call is. `paused`: between two attempts, or waiting for a recovery to make up its mind. */
type Phase = 'admission' | 'queued' | 'in_flight' | 'paused' | 'body' | 'ended';

const ENDPOINT_HEADERS = [['resilience-source', 'endpoint']] as const;

/**
 * The way of one call through its pipeline: admission, attempts, what comes of their outcomes, and the end. Synchronous
 * whenever nothing must wait; a call that simply succeeds makes no promise, no timer, no closure and no event.
 */
export class CallFlow implements DeadlineOwner {
  readonly call: CallState;
  addedResponseHeaders: ReadonlyArray<readonly [string, string]> | undefined = undefined;
  bodyObserver: BodyObserver | undefined = undefined;

  #phase: Phase = 'admission';
  /** Counted among the pipeline's active calls. */
  #active = false;
  #permits: Permits | undefined = undefined;
  #admission: Admission | undefined = undefined;
  #timers: Timers | undefined = undefined;
  /** The attempt made last. There is one at a time. */
  #attempt: AttemptState | undefined = undefined;
  /** The last real outcome, kept by the adapter: the app gets it if nothing better comes of it. */
  #held: Outcome | undefined = undefined;
  /** The outcome asked about last, be it a refusal of ours. */
  #latest: Outcome | undefined = undefined;
  #retry: { readonly endpoint: Endpoint; readonly reason: string } | undefined = undefined;
  /** Inside `begin` or a report: what is decided there waits for `proceed`. */
  #reporting = false;
  #pending: Action | undefined = undefined;

  constructor(context: CallContext, pipeline: Pipeline, exchange: Exchange) {
    this.call = new CallState(context, pipeline, exchange);
  }

  // ── the way in ────────────────────────────────────────────────────────────────────────────────────────────────────

  begin(): Attempt | undefined {
    const { call } = this;
    const { callGuards, timeouts } = call.pipeline.parts;
    const nowMs = call.context.clock.now();
    this.#open(nowMs);
    if (timeouts?.totalMs !== undefined) this.#startTimers().total(nowMs + timeouts.totalMs);
    if (callGuards.length > 0) {
      this.#permits = new Permits();
      this.#admission = new Admission(call, this.#permits);
    }
    this.#reporting = true;
    const action = this.#admit(nowMs);
    this.#reporting = false;
    if (action.kind === 'attempt' && action.endpoint.target === undefined) {
      this.#launch(action, nowMs);
      return action;
    }
    if (action !== WAIT) this.#pending = action;
    this.#timers?.arm(nowMs);
    return undefined;
  }

  proceed(): void {
    const action = this.#pending;
    this.#pending = undefined;
    if (action !== undefined) this.#apply(action);
  }

  /** Passes what call guards are left, and goes on to the first attempt. */
  #admit(nowMs: number): Action {
    const { pipeline } = this.call;
    const obstacle = this.#admission?.advance(nowMs);
    if (obstacle?.kind === 'rejection') return this.#reject(obstacle, nowMs);
    if (obstacle?.kind === 'queued') return this.#enqueue(obstacle, nowMs);
    if (pipeline.parts.failsOverWhenUnhealthy && pipeline.monitor.failover(nowMs)) {
      const elsewhere = this.#react({ kind: 'unhealthy' }, nowMs);
      if (elsewhere !== undefined) return elsewhere;
    }
    return this.#acquire(pipeline.parts.primary, nowMs);
  }

  #enqueue(queued: Queued, sinceMs: number): Action {
    this.#phase = 'queued';
    queued.onSettled((admission, nowMs) => {
      // This runs on the stack of another call's end.
      this.#enter(() => this.#leaveQueue(admission, sinceMs, nowMs));
    });
    return WAIT;
  }

  #leaveQueue(admission: Permit | Rejection, sinceMs: number, nowMs: number): void {
    this.#admission?.settled(admission, nowMs - sinceMs);
    this.#take(admission.kind === 'rejection' ? this.#reject(admission, nowMs) : this.#admit(nowMs));
  }

  /** The attempt to make, or what comes of the circuit's refusal. */
  #acquire(endpoint: Endpoint, nowMs: number): Action {
    const { call } = this;
    const attempt = acquireAttempt(call, endpoint, nowMs);
    if (attempt.kind === 'attempt') return attempt;
    if (call.mode === 'enforce') return this.#reject(attempt, nowMs);
    emitRejection(call, attempt);
    return new AttemptState(call.attempts + 1, endpoint, undefined);
  }

  /** We refused: the recoveries may have something better than our error. */
  #reject(rejection: Rejection, nowMs: number): Action {
    emitRejection(this.call, rejection);
    const outcome: Outcome = { kind: 'rejection', rejection };
    return this.#react(outcome, nowMs) ?? this.#surrender(nowMs);
  }

  // ── what the adapter reports ──────────────────────────────────────────────────────────────────────────────────────

  onHead(attempt: Attempt, head: ResponseHead): Disposition {
    const current = this.#inFlight(attempt);
    if (current === undefined) return 'deliver';
    const { call } = this;
    const { classifier, responseObservers, reactsToHeads } = call.pipeline;
    const verdict = classifier.status(head.status);
    call.sent = true;
    if (verdict === 'success' && !reactsToHeads && !current.timesHead) {
      // Nobody needs to know when it came, and reading the clock is a third of what a decision costs.
      this.#timers?.cancelAll();
      this.#phase = 'body';
      call.result = 'success';
      return 'deliver';
    }
    const nowMs = call.context.clock.now();
    this.#timers?.cancelAttempt();
    // What a fallback endpoint asks for is not the upstream's wish.
    if (current.endpoint.target === undefined) for (const guard of responseObservers) guard.onResponse?.(head, nowMs);
    current.responded(nowMs);
    // A failure is known now; a success only at the end of the body.
    if (verdict !== 'success') judge(call, current, verdict, nowMs);
    const outcome: Outcome & { kind: 'response' } = { kind: 'response', verdict, head };
    if (this.#holds(outcome, nowMs)) return 'hold';
    this.#deliver(outcome, nowMs);
    return 'deliver';
  }

  onError(attempt: Attempt, error: Error): Disposition {
    const current = this.#inFlight(attempt);
    if (current === undefined) return 'deliver';
    const nowMs = this.call.context.clock.now();
    this.#timers?.cancelAttempt();
    const outcome = this.#judgeError(current, error, nowMs);
    // What says nothing of the upstream (misuse, a destroyed dispatcher) is the app's to know, at once.
    const silent = outcome.kind === 'error' && outcome.verdict === 'ignored';
    if (!silent && this.#holds(outcome, nowMs)) return 'hold';
    this.#end('failure', typeOfError(error), nowMs);
    return 'deliver';
  }

  onBodyEnd(): void {
    if (this.#phase !== 'body') return;
    const nowMs = this.call.context.clock.now();
    this.#judge('success', nowMs);
    this.#finish(nowMs, true);
  }

  onBodyError(error: Error | undefined): void {
    if (this.#phase !== 'body') return;
    const nowMs = this.call.context.clock.now();
    this.#judge('failure', nowMs);
    this.call.result = 'failure';
    this.call.errorType ??= error === undefined ? 'ECONNRESET' : typeOfError(error);
    this.#finish(nowMs, false);
  }

  onUpgrade(attempt: Attempt, status: number): void {
    const current = this.#inFlight(attempt);
    if (current === undefined) return;
    const nowMs = this.call.context.clock.now();
    const verdict = this.call.pipeline.classifier.status(status);
    current.responded(nowMs);
    judge(this.call, current, verdict, nowMs);
    if (verdict === 'failure') this.#end('failure', String(status), nowMs);
    else this.#end('success', undefined, nowMs);
  }

  onAbort(): void {
    this.#drop();
    if (this.#phase === 'ended') return;
    const nowMs = this.call.context.clock.now();
    this.#admission?.cancel(nowMs);
    // A body the app had no more use for was a success all the same; before the head there was nothing to judge.
    if (this.#phase !== 'body') {
      this.call.result = 'failure';
      this.call.errorType = 'aborted';
    }
    this.#finish(nowMs, false);
  }

  /** Undefined: the report comes too late to change anything. */
  #inFlight(attempt: Attempt): AttemptState | undefined {
    return this.#phase === 'in_flight' && this.#attempt === attempt ? this.#attempt : undefined;
  }

  #judge(verdict: Verdict, nowMs: number): void {
    if (this.#attempt !== undefined) judge(this.call, this.#attempt, verdict, nowMs);
  }

  #judgeError(attempt: AttemptState, error: Error, nowMs: number): Outcome {
    const { call } = this;
    if (error instanceof TimeoutError && error.scope === 'total') {
      call.sent = true;
      // A first attempt had all the time there was; a later one may have been cut off early through no fault of its own.
      judge(call, attempt, attempt.number === 1 ? 'failure' : 'ignored', nowMs);
      return { kind: 'rejection', rejection: { kind: 'rejection', reason: 'total_timeout', toError: () => error } };
    }
    const { classifier } = call.pipeline;
    const verdict = classifier.error(error);
    judge(call, attempt, verdict, nowMs);
    const neverSent = classifier.neverSent(error);
    if (!neverSent) call.sent = true;
    return { kind: 'error', verdict, error, neverSent };
  }

  // ── what comes of an outcome ──────────────────────────────────────────────────────────────────────────────────────

  /** Whether the adapter has to hold the outcome it reports, because something is done about it. */
  #holds(outcome: Outcome, nowMs: number): boolean {
    if (this.call.pipeline.parts.recoveries.length === 0) return false;
    const before = this.#held;
    if (outcome.kind !== 'rejection') this.#held = outcome;
    this.#reporting = true;
    const action = this.#react(outcome, nowMs);
    this.#reporting = false;
    if (action === undefined) this.#held = before;
    else if (action !== WAIT) this.#pending = action;
    return action !== undefined;
  }

  #react(outcome: Outcome, nowMs: number): Action | undefined {
    const { call } = this;
    this.#latest = outcome;
    const decision = decide(call, outcome, nowMs);
    if (decision === undefined) return undefined;
    // Before another attempt takes its place: that one has a verdict of its own.
    if (outcome.kind === 'response') this.#judge(outcome.verdict, nowMs);
    if (decision.kind === 'respond') {
      this.#end('fallback', undefined, nowMs);
      return decision;
    }
    if (this.#phase === 'in_flight') this.#phase = 'paused';
    if (decision.kind === 'await') return this.#await(decision.answer, decision.outcome);
    if (decision.kind === 'attempt') return decision;
    this.#retry = { endpoint: call.endpoint, reason: decision.reason };
    this.#startTimers().pause(nowMs + decision.afterMs, nowMs);
    return WAIT;
  }

  /** Only a substitute is worth waiting for; a recovery that fails, or has none, leaves the outcome itself. */
  #await(answer: Promise<RecoveryAction | undefined>, outcome: Outcome): Action {
    const { call } = this;
    this.#phase = 'paused';
    const settle = (action: RecoveryAction | undefined): void => {
      if (this.#phase !== 'paused') return;
      const nowMs = call.context.clock.now();
      if (action?.kind === 'response') {
        const answered = substitute(call, action, outcome);
        this.#end('fallback', undefined, nowMs);
        this.#take(answered);
      } else if (outcome.kind === 'unhealthy') this.#take(this.#acquire(call.pipeline.parts.primary, nowMs));
      else this.#take(this.#surrender(nowMs));
    };
    const settled = (action?: RecoveryAction): void => this.#enter(() => settle(action));
    void answer.then(settled, () => settled());
    return WAIT;
  }

  /** Nothing is left to try: the app gets the last real outcome, or, if there was none, our error. */
  #surrender(nowMs: number): Action {
    const real = this.#held ?? this.#latest;
    if (real === undefined) return RELEASE;
    if (real.kind === 'response') {
      this.#deliver(real, nowMs);
      return RELEASE;
    }
    if (real.kind === 'rejection') {
      this.#end('rejected', errorType(real), nowMs);
      return { kind: 'fail', error: real.rejection.toError() };
    }
    this.#end('failure', errorType(real), nowMs);
    return RELEASE;
  }

  // ── carrying it out ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the place of what was decided before and not done yet, which its adapter is still to ask for. */
  #take(action: Action): void {
    const waits = this.#reporting || this.#pending !== undefined;
    this.#drop();
    if (waits && action !== WAIT) this.#pending = action;
    else this.#apply(action);
  }

  #drop(): void {
    const action = this.#pending;
    this.#pending = undefined;
    if (action?.kind === 'attempt') action.release('ignored', this.call.context.clock.now());
  }

  #apply(action: Action): void {
    if (action.kind === 'wait') return;
    const { call } = this;
    const nowMs = action.kind === 'attempt' ? call.context.clock.now() : 0;
    if (action.kind === 'attempt' && call.attempts > 0 && !call.replayable()) {
      // What the app has written since is too much to be sent again, or not complete: the outcome it has is the last.
      action.release('ignored', nowMs);
      return this.#apply(this.#surrender(nowMs));
    }
    try {
      this.#perform(action, nowMs);
    } catch (error) {
      // An adapter that cannot do it: a call that fails is better than one that never ends.
      this.abandon(error);
      this.#ignoringErrors(() => call.exchange.fail(error as Error));
    }
  }

  #perform(action: Action, nowMs: number): void {
    const { exchange } = this.call;
    switch (action.kind) {
      case 'attempt':
        // What was held is thrown away with the next attempt: from here on only that one counts.
        this.#held = undefined;
        this.#launch(action, nowMs);
        return exchange.send(action);
      case 'fail':
        return exchange.fail(action.error);
      case 'respond':
        return exchange.respond(action.response);
      case 'release':
        return exchange.release();
      case 'wait':
    }
  }

  #launch(attempt: AttemptState, nowMs: number): void {
    const { call } = this;
    const { timeouts } = call.pipeline.parts;
    this.#phase = 'in_flight';
    this.#attempt = attempt;
    attempt.startedAtMs = nowMs;
    call.endpoint = attempt.endpoint;
    call.attempts = attempt.number;
    if (attempt.retryReason !== undefined) {
      count(call.pipeline.counts.retries, attempt.retryReason);
      call.retries++;
      // The same endpoint once more: what the primary did so far doesn't count yet.
      if (attempt.endpoint.target === undefined) call.primaryFailed = false;
    }
    // Only if it can strike first; of equal limits it must, so that an upstream that never answers counts as failed.
    if (timeouts?.attemptMs !== undefined && timeouts.attemptMs <= call.remainingMs(nowMs)) {
      this.#startTimers().attempt(nowMs + timeouts.attemptMs, nowMs);
    } else {
      this.#timers?.arm(nowMs);
    }
  }

  // ── time limits ───────────────────────────────────────────────────────────────────────────────────────────────────

  #startTimers(): Timers {
    this.#timers ??= new Timers(this.call.context.clock, this);
    return this.#timers;
  }

  deadlineReached(kind: DeadlineKind): void {
    this.#enter(() => {
      if (kind === 'pause') this.#tryAgain();
      else if (kind === 'attempt') this.#onAttemptTimeout();
      else this.#onTotalTimeout();
    });
  }

  #tryAgain(): void {
    const retry = this.#retry;
    if (retry === undefined || this.#phase !== 'paused') return;
    const action = this.#acquire(retry.endpoint, this.call.context.clock.now());
    if (action.kind === 'attempt') action.retryReason = retry.reason;
    this.#take(action);
  }

  #onAttemptTimeout(): void {
    const { call } = this;
    const attempt = this.#attempt;
    const timeoutMs = call.pipeline.parts.timeouts?.attemptMs ?? 0;
    emit(call, { type: 'call_timed_out', scope: 'attempt', timeoutMs });
    if (call.mode === 'observe' || attempt === undefined) return;
    call.exchange.cancel(attempt, new TimeoutError(attempt.endpoint.name, 'attempt', timeoutMs));
  }

  #onTotalTimeout(): void {
    const { call } = this;
    const timeoutMs = call.pipeline.parts.timeouts?.totalMs ?? 0;
    emit(call, { type: 'call_timed_out', scope: 'total', timeoutMs });
    if (call.mode === 'observe') return;
    const error = new TimeoutError(call.upstream, 'total', timeoutMs);
    if (this.#phase === 'in_flight' && this.#attempt !== undefined) return call.exchange.cancel(this.#attempt, error);
    const nowMs = call.context.clock.now();
    this.#admission?.cancel(nowMs);
    this.#timers?.cancelPause();
    this.#take(this.#reject({ kind: 'rejection', reason: 'total_timeout', toError: () => error }, nowMs));
  }

  #onIdleTimeout(timeoutMs: number): void {
    if (this.#phase === 'ended') return;
    const { call } = this;
    emit(call, { type: 'call_timed_out', scope: 'idle', timeoutMs });
    if (call.mode === 'observe') return;
    call.exchange.killBody(new TimeoutError(call.endpoint.name, 'idle', timeoutMs));
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #open(nowMs: number): void {
    const { call } = this;
    const { pipeline } = call;
    call.startedAtMs = nowMs;
    pipeline.active++;
    this.#active = true;
    pipeline.lastUsedMs = nowMs;
    call.context.listener.callStarted(call);
    pipeline.parts.budget?.deposit(nowMs);
  }

  /** The app gets this response; the call goes on until its body has ended. */
  #deliver({ verdict, head }: Outcome & { kind: 'response' }, nowMs: number): void {
    const { call } = this;
    this.#phase = 'body';
    this.#timers?.cancelAll();
    const failed = verdict === 'failure';
    call.result = failed ? 'failure' : 'success';
    if (failed) call.errorType = String(head.status);
    if (call.endpoint.target !== undefined) {
      this.addedResponseHeaders = ENDPOINT_HEADERS;
      if (!failed) {
        call.result = 'fallback';
        call.fallbackSource = 'endpoint';
        emitFallback(call, 'endpoint', this.#attempt?.replaces ?? '');
      }
    }
    settleHealth(call);
    this.bodyObserver = watchBody(call, call.pipeline.parts, call.context.clock, {
      head,
      nowMs,
      awaitsReader: () => call.exchange.awaitsReader(),
      onIdle: (idleMs) => this.#ignoringErrors(() => this.#onIdleTimeout(idleMs)),
      fault: call.context.fault,
    });
  }

  #end(result: CallResult, error: string | undefined, nowMs: number): void {
    this.call.result = result;
    this.call.errorType = error;
    this.#finish(nowMs, false);
  }

  /** The call has ended for the app and on the wire. */
  #finish(nowMs: number, complete: boolean): void {
    this.#timers?.cancelAll();
    this.bodyObserver?.end(complete);
    this.#phase = 'ended';
    this.#judge('ignored', nowMs);
    settleHealth(this.call);
    this.#permits?.releaseAll('success', nowMs);
    this.#leave(nowMs);
  }

  #leave(nowMs: number): void {
    if (!this.#active) return;
    const { call } = this;
    this.#active = false;
    call.pipeline.active--;
    if (call.result !== undefined) call.pipeline.counts.results[call.result]++;
    call.context.listener.callEnded(call, nowMs - call.startedAtMs);
  }

  // ── faults of ours ────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is made where the engine has nothing more to say. */
  plainAttempt(): Attempt {
    return { number: this.call.attempts + 1, endpoint: this.call.pipeline.parts.primary };
  }

  /** Gives back all that is still held, whatever else goes wrong, and judges nothing: the call goes on without us. */
  abandon(error: unknown): void {
    const { context } = this.call;
    const nowMs = context.clock.now();
    const attempts = [this.#attempt, this.#pending?.kind === 'attempt' ? this.#pending : undefined];
    this.#phase = 'ended';
    this.#reporting = false;
    this.#pending = undefined;
    this.#timers?.cancelAll();
    context.current = undefined;
    context.fault(error);
    this.#ignoringErrors(() => this.bodyObserver?.end(false));
    this.#ignoringErrors(() => this.#admission?.cancel(nowMs));
    for (const attempt of attempts) this.#ignoringErrors(() => attempt?.release('ignored', nowMs));
    while (this.#permits?.empty === false) this.#ignoringErrors(() => this.#permits?.releaseAll('ignored', nowMs));
    this.#ignoringErrors(() => this.#leave(nowMs));
  }

  /**
   * The same where no adapter waits for an answer: the app gets what outcome there is; where there is none, a plain
   * attempt is made.
   */
  recoverFromFault(error: unknown): void {
    const phase = this.#phase;
    this.abandon(error);
    // On the wire already, or at its end: it goes on by itself.
    if (phase === 'ended' || phase === 'in_flight' || phase === 'body') return;
    const { exchange } = this.call;
    const attempt = this.plainAttempt();
    this.#ignoringErrors(() => (this.#held === undefined ? exchange.send(attempt) : exchange.release()));
  }

  /** Where nothing of an adapter's is above us: a timer, a queue, a promise. */
  #enter(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.recoverFromFault(error);
    }
  }

  /** Does what must not keep the rest from being done. */
  #ignoringErrors(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.call.context.fault(error);
    }
  }
}
