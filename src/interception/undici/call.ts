import { AsyncResource } from 'node:async_hooks';
import type { Attempt, Exchange } from '../../engine/exchange.ts';
import type { EndpointTarget, Substitute } from '../../strategies/shared/contract.ts';
import { requestAborted } from './abort-errors.ts';
import { CallReports } from './call-reports.ts';
import { transmit } from './transmit.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** One dispatch of the app as the engine's exchange; the subclasses know the two styles of handlers. */
export abstract class Call extends CallReports implements Exchange {
  /** The caller has its abort function. */
  started = false;

  #attempt: WireAttempt | undefined = undefined;
  #heldError: Error | undefined = undefined;
  /** A connection was given to an attempt: bytes may have left. */
  #touched = false;
  /** Still inside the caller's own `dispatch`: it must not be answered before that has returned. */
  #dispatching = false;
  /** The end is decided: no further attempt will come. */
  #closing = false;
  /** The caller's asynchronous context, for attempts that are made out of it. */
  #scope: AsyncResource | undefined = undefined;

  // ── style ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected abstract newAttempt(): WireAttempt;
  /** Gives the caller its abort function, unless it has one. May throw what the caller's handler throws. */
  protected abstract start(): void;
  /** Plays the answer to the caller. */
  protected abstract answer(response: Substitute): void;

  // ── the caller's dispatch ─────────────────────────────────────────────────────────────────────────────────────────

  /** False: the engine failed before anything happened; the call is to go through plain. */
  begin(): 'attempt' | 'wait' | 'failed' {
    try {
      const first = this.listener.begin();
      if (first === undefined) return 'wait';
      this.current = first;
      return 'attempt';
    } catch (error) {
      this.report(error);
      return 'failed';
    }
  }

  /** Makes the first attempt, in the caller's own stack: what dispatch returns or throws is the caller's. */
  sendFirst(): boolean {
    const attempt = this.newAttempt();
    this.#attempt = attempt;
    this.#dispatching = true;
    try {
      if (!this.listener.needsAttemptContext) return transmit(this, attempt, undefined);
      let result = true;
      this.#inAttempt(() => {
        result = transmit(this, attempt, undefined);
      });
      if (this.buffersOutcome) this.#rememberContext();
      return result;
    } catch (error) {
      this.leave();
      this.ended = true;
      throw error;
    } finally {
      this.#dispatching = false;
    }
  }

  /** Without an attempt for now: the caller gets its abort function, and the engine carries out what it decided. */
  wait(): boolean {
    this.#dispatching = true;
    this.#startSafely();
    if (!this.left) this.proceed();
    this.#dispatching = false;
    this.#rememberContext();
    // `false` would announce a 'drain' event, and none would come.
    return true;
  }

  #rememberContext(): void {
    if (!this.#closing && !this.ended) this.#scope = new AsyncResource('ResilienceCall');
  }

  // ── exchange ──────────────────────────────────────────────────────────────────────────────────────────────────────

  sentHeader(name: string): string | undefined {
    return this.#attempt?.sentHeader(name);
  }

  replayable(): boolean {
    return !this.upgrade && (this.body?.replayable(this.#touched) ?? true);
  }

  send(attempt: Attempt): void {
    if (this.ended) return;
    this.#dropHeld();
    this.current = attempt;
    const wire = this.newAttempt();
    this.#attempt = wire;
    const { target } = attempt.endpoint;
    if (this.#scope === undefined) this.#launch(wire, target);
    else this.#scope.runInAsyncScope(this.#launch, this, wire, target);
  }

  #launch(wire: WireAttempt, target: EndpointTarget | undefined): void {
    const dispatch = (): void => {
      try {
        transmit(this, wire, target);
      } catch (error) {
        // There is no caller above us to throw to.
        wire.failed(error as Error);
      }
    };
    if (this.listener.needsAttemptContext) this.#inAttempt(dispatch);
    else dispatch();
  }

  /** Sends where the attempt's span finds its parent, and sends in any case. */
  #inAttempt(send: () => void): void {
    let sent = false;
    try {
      this.listener.withAttemptContext(() => {
        sent = true;
        send();
      });
    } catch (error) {
      if (sent) throw error;
      this.report(error);
      send();
    }
  }

  cancel(_attempt: Attempt, error: Error): void {
    this.#attempt?.cancel(error);
  }

  awaitsReader(): boolean {
    return this.#attempt?.awaitsReader() ?? false;
  }

  killBody(error: Error): void {
    this.#attempt?.kill(error);
  }

  release(): void {
    const error = this.#heldError;
    this.#heldError = undefined;
    if (error === undefined) this.#soon(() => this.#attempt?.release());
    else this.#soon(() => this.deliverError(error));
  }

  fail(error: Error): void {
    this.#closing = true;
    this.#dropHeld();
    this.#soon(() => this.deliverError(error));
  }

  respond(response: Substitute): void {
    this.#closing = true;
    this.#dropHeld();
    this.body?.discard();
    this.#soon(() => {
      this.#startSafely();
      if (!this.ended) this.answer(response);
    });
  }

  /** Now, unless the caller's `dispatch` has yet to return. */
  #soon(act: () => void): void {
    if (!this.#dispatching) {
      this.guarded(act);
      return;
    }
    queueMicrotask(() => {
      if (!this.ended) this.guarded(act);
    });
  }

  #dropHeld(): void {
    this.#heldError = undefined;
    this.#attempt?.discard();
  }

  #startSafely(): void {
    try {
      this.start();
    } catch (error) {
      // As undici does with a handler that throws there.
      this.leave();
      this.#soon(() => this.deliverError(error as Error));
    }
  }

  // ── what attempts report ──────────────────────────────────────────────────────────────────────────────────────────

  touched(): void {
    this.#touched = true;
  }

  /** An attempt ended in an error before the caller saw a head. */
  attemptFailed(error: Error): void {
    if (this.ended) return;
    if (!this.left && this.isOwnFault(error)) this.leave();
    if (this.left || this.judgeError(error) === 'deliver') {
      this.deliverError(error);
      return;
    }
    this.#heldError = error;
    this.proceed();
  }

  /** The caller's abort function. Undici ignores an abort of what has ended, and so do we. */
  abort(reason?: Error): void {
    if (this.ended) return;
    this.leave();
    this.#heldError = undefined;
    // Undici tells the caller itself, if it has the request in hand.
    this.#attempt?.abort(reason);
    if (!this.ended) this.#soon(() => this.deliverError(reason ?? requestAborted()));
  }
}
