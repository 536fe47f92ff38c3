import { TimeoutError } from '../errors.ts';
import type { Endpoint, Outcome, Permit, Queued, Rejection, ResponseHead } from '../strategies/shared/contract.ts';
import type { Step } from './action.ts';
import { typeOfError } from './error-type.ts';
import type { Attempt, Disposition, ExchangeListener } from './exchange.ts';
import { Recovering } from './recovering.ts';

/**
 * One call on its way through the pipeline: admission, attempts, and what the adapter reports of them. Synchronous
 * whenever nothing must wait; on the way of a call that simply succeeds it makes no promise, no timer and no event.
 */
export class Execution extends Recovering implements ExchangeListener {
  #queued: Queued | undefined = undefined;
  /** The attempt in flight, or decided on. */
  protected current: Attempt | undefined = undefined;

  // ── the way in ────────────────────────────────────────────────────────────────────────────────────────────────────

  begin(): Attempt | undefined {
    const nowMs = this.context.clock.now();
    this.open(nowMs);
    const totalMs = this.pipeline.parts.timeouts?.totalMs;
    if (totalMs !== undefined) this.timers().total(() => this.#onTotalTimeout(totalMs), totalMs);
    this.reporting = true;
    this.#admit(0, nowMs);
    this.reporting = false;
    const { step } = this;
    if (step?.kind !== 'send' || this.endpoint.target !== undefined) return undefined;
    this.step = undefined;
    return step.attempt;
  }

  withAttemptContext(send: () => void): void {
    this.context.listener.attempt(this, this.attempts, send);
  }

  /** Passes the call guards from the given one on, and goes on to the first attempt. */
  #admit(from: number, nowMs: number): void {
    const { callGuards, primary } = this.pipeline.parts;
    for (let i = from; i < callGuards.length; i++) {
      const admission = callGuards[i]?.acquire(this.exchange, nowMs);
      if (admission?.kind === 'permit') this.keep(admission);
      else if (admission?.kind === 'queued' && this.#waits(admission, i, nowMs)) return;
      else if (admission?.kind === 'rejection' && !this.#overruled(admission)) return this.reject(admission, nowMs);
    }
    const diverted = this.#failover(nowMs);
    if (diverted === undefined) this.attempt(primary, nowMs);
    else this.take(diverted);
  }

  #failover(nowMs: number): Step | undefined {
    const { parts, monitor } = this.pipeline;
    if (!parts.failsOverWhenUnhealthy || !monitor.failover(nowMs)) return undefined;
    return this.react({ kind: 'unhealthy' }, nowMs);
  }

  /** False in observe mode: the call would have waited, and doesn't. */
  #waits(queued: Queued, guard: number, sinceMs: number): boolean {
    if (this.mode === 'observe') {
      queued.cancel(sinceMs);
      this.tell({ type: 'call_queued', waitedMs: 0 });
      return false;
    }
    this.phase = 'queued';
    this.#queued = queued;
    queued.onSettled((admission, nowMs) => {
      this.#queued = undefined;
      // This runs on the stack of another call's end.
      try {
        this.#leaveQueue(admission, guard, sinceMs, nowMs);
      } catch (error) {
        this.rescue(error);
      }
    });
    return true;
  }

  #leaveQueue(admission: Permit | Rejection, guard: number, sinceMs: number, nowMs: number): void {
    // First, so that it is given back whatever comes.
    if (admission.kind === 'permit') this.keep(admission);
    this.tell({ type: 'call_queued', waitedMs: nowMs - sinceMs });
    if (admission.kind === 'rejection') this.reject(admission, nowMs);
    else this.#admit(guard + 1, nowMs);
  }

  protected override abandon(error: unknown): void {
    const queued = this.#queued;
    this.#queued = undefined;
    if (queued !== undefined) this.harmless(() => queued.cancel(this.context.clock.now()));
    super.abandon(error);
  }

  /** In observe mode a rejection is recorded, and the call goes on without a permit. */
  #overruled(rejection: Rejection): boolean {
    if (this.mode === 'enforce') return false;
    this.recordRejection(rejection);
    return true;
  }

  protected attempt(endpoint: Endpoint, nowMs: number): void {
    const rejection = this.acquire(endpoint, nowMs);
    if (rejection !== undefined && !this.#overruled(rejection)) return this.reject(rejection, nowMs);
    this.take(this.launch(endpoint, nowMs));
  }

  protected launch(endpoint: Endpoint, nowMs: number): Step {
    this.phase = 'in_flight';
    this.attemptStarted(endpoint);
    const attemptMs = this.pipeline.parts.timeouts?.attemptMs;
    // Only if it can strike first; of equal limits it must, so that an upstream that never answers counts as failed.
    if (attemptMs !== undefined && attemptMs <= this.remainingMs(nowMs)) {
      this.timers().attempt(() => this.#onAttemptTimeout(attemptMs), attemptMs);
    }
    this.current = { number: this.attempts, endpoint };
    return { kind: 'send', attempt: this.current };
  }

  // ── what the adapter reports ──────────────────────────────────────────────────────────────────────────────────────

  onHead(_attempt: Attempt, head: ResponseHead): Disposition {
    if (this.phase !== 'in_flight' || this.ended) return 'deliver';
    const nowMs = this.context.clock.now();
    const { classifier, responseObservers } = this.pipeline;
    const verdict = classifier.status(head.status);
    this.sent = true;
    this.deadlines?.cancelAttempt();
    // What a fallback endpoint asks for is not the upstream's wish.
    if (this.endpoint.target === undefined) for (const guard of responseObservers) guard.onResponse?.(head, nowMs);
    this.responded(nowMs);
    // A failure is known now; a success only at the end of the body.
    if (verdict !== 'success') this.judge(verdict, nowMs);
    const outcome: Outcome & { kind: 'response' } = { kind: 'response', verdict, head };
    if (this.recovers(outcome, nowMs)) return 'hold';
    this.deliver(outcome, nowMs);
    return 'deliver';
  }

  onError(_attempt: Attempt, error: Error): Disposition {
    if (this.phase !== 'in_flight' || this.ended) return 'deliver';
    const nowMs = this.context.clock.now();
    this.deadlines?.cancelAttempt();
    const outcome = this.#judgeError(error, nowMs);
    // What says nothing of the upstream (misuse, a destroyed dispatcher) is the app's to know, at once.
    const silent = outcome.kind === 'error' && outcome.verdict === 'ignored';
    if (!silent && this.recovers(outcome, nowMs)) return 'hold';
    this.end('failure', typeOfError(error), nowMs);
    return 'deliver';
  }

  #judgeError(error: Error, nowMs: number): Outcome {
    if (error instanceof TimeoutError && error.scope === 'total') {
      this.sent = true;
      // A first attempt had all the time there was; a later one may have been cut off early through no fault of its own.
      this.judge(this.attempts === 1 ? 'failure' : 'ignored', nowMs);
      return { kind: 'rejection', rejection: { kind: 'rejection', reason: 'total_timeout', toError: () => error } };
    }
    const { classifier } = this.pipeline;
    const verdict = classifier.error(error);
    this.judge(verdict, nowMs);
    const neverSent = classifier.neverSent(error);
    if (!neverSent) this.sent = true;
    return { kind: 'error', verdict, error, neverSent };
  }

  onBodyEnd(): void {
    if (this.phase !== 'body' || this.ended) return;
    const nowMs = this.context.clock.now();
    this.judge('success', nowMs);
    this.finish(nowMs, true);
  }

  onBodyError(error: Error | undefined): void {
    if (this.phase !== 'body' || this.ended) return;
    const nowMs = this.context.clock.now();
    this.judge('failure', nowMs);
    this.result = 'failure';
    this.errorType ??= error === undefined ? 'ECONNRESET' : typeOfError(error);
    this.finish(nowMs, false);
  }

  onUpgrade(_attempt: Attempt, status: number): void {
    if (this.phase !== 'in_flight' || this.ended) return;
    const nowMs = this.context.clock.now();
    const verdict = this.pipeline.classifier.status(status);
    this.responded(nowMs);
    this.judge(verdict, nowMs);
    if (verdict === 'failure') this.end('failure', String(status), nowMs);
    else this.end('success', undefined, nowMs);
  }

  onAbort(): void {
    if (this.ended) return;
    const nowMs = this.context.clock.now();
    this.#queued?.cancel(nowMs);
    this.step = undefined;
    // A body the app had no more use for was a success all the same; before the head there was nothing to judge.
    if (this.phase !== 'body') {
      this.result = 'failure';
      this.errorType = 'aborted';
    }
    this.finish(nowMs, false);
  }

  // ── time limits ───────────────────────────────────────────────────────────────────────────────────────────────────

  #onAttemptTimeout(timeoutMs: number): void {
    this.tell({ type: 'call_timed_out', scope: 'attempt', timeoutMs });
    if (this.mode === 'observe') return;
    this.#cut(new TimeoutError(this.endpoint.name, 'attempt', timeoutMs));
  }

  #cut(error: TimeoutError): void {
    // A step that only waits may be left over: a timer brought the next one before the adapter asked for it.
    const { current } = this;
    if (current === undefined) return;
    if (this.step?.kind !== 'send') return this.exchange.cancel(current, error);
    // Decided on, but not made yet: the adapter is still busy with the attempt before it, and has none to cancel.
    this.step = undefined;
    if (this.onError(current, error) === 'deliver') this.step = { kind: 'fail', error };
  }

  #onTotalTimeout(timeoutMs: number): void {
    const nowMs = this.context.clock.now();
    this.tell({ type: 'call_timed_out', scope: 'total', timeoutMs });
    if (this.mode === 'observe') return;
    const error = new TimeoutError(this.upstream, 'total', timeoutMs);
    if (this.phase === 'in_flight') return this.#cut(error);
    this.#queued?.cancel(nowMs);
    this.deadlines?.cancelPause();
    this.reject({ kind: 'rejection', reason: 'total_timeout', toError: () => error }, nowMs);
  }

  protected onIdleTimeout(timeoutMs: number): void {
    if (this.ended) return;
    this.tell({ type: 'call_timed_out', scope: 'idle', timeoutMs });
    if (this.mode === 'enforce') this.exchange.killBody(new TimeoutError(this.endpoint.name, 'idle', timeoutMs));
  }
}
