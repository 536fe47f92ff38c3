import { AsyncResource } from 'node:async_hooks';
import type { Attempt, Disposition, Exchange, ExchangeListener } from '../../engine/exchange.ts';
import type { BodyTap, EndpointTarget, ResponseHead, Substitute } from '../../strategies/contract.ts';
import type { Copy } from './copy.ts';
import type { Destination } from './origin.ts';
import { type RequestBody, requestBody } from './request-body.ts';
import { requestHeader } from './request-headers.ts';
import { transmit } from './transmit.ts';
import type { Dispatcher, DispatchOptions } from './undici-types.ts';
import type { WireAttempt } from './wire-attempt.ts';

export interface CallInput {
  readonly copy: Copy;
  /** The one the app dispatched on. */
  readonly dispatcher: Dispatcher;
  readonly destination: Destination;
  readonly options: DispatchOptions;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly repeats: boolean;
  readonly maxReplayBytes: number;
  /** Our own code failed; the app's call must not. */
  readonly report: (error: unknown) => void;
}

/** One dispatch of the app as the engine's exchange; the subclasses know the two styles of handlers. */
export abstract class Call implements Exchange {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly options: DispatchOptions;
  readonly copy: Copy;
  readonly dispatcher: Dispatcher;
  readonly destination: Destination;
  readonly upgrade: boolean;
  readonly repeats: boolean;
  readonly body: RequestBody | undefined;
  listener!: ExchangeListener;

  /** The caller has its abort function. */
  started = false;
  /** The caller has left by itself, or threw in our face: nothing it does says anything of the upstream. */
  left = false;
  /** The caller has been told the end, or is being told. */
  ended = false;

  readonly #report: (error: unknown) => void;
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

  constructor(input: CallInput) {
    const { destination, options } = input;
    this.#report = input.report;
    this.copy = input.copy;
    this.dispatcher = input.dispatcher;
    this.destination = destination;
    this.protocol = destination.protocol;
    this.host = destination.host;
    this.port = destination.port;
    this.method = input.method;
    this.path = input.path;
    this.options = options;
    this.repeats = input.repeats;
    this.upgrade = Boolean(options.upgrade) || input.method === 'CONNECT';
    this.body = options.body == null ? undefined : requestBody(options.body, input.repeats ? input.maxReplayBytes : -1);
  }

  // ── style ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected abstract newAttempt(): WireAttempt;
  /** Gives the caller its abort function, unless it has one. May throw what the caller's handler throws. */
  protected abstract start(): void;
  protected abstract tellError(error: Error): void;
  /** Plays the answer to the caller. */
  protected abstract answer(response: Substitute): void;

  // ── the caller's dispatch ─────────────────────────────────────────────────────────────────────────────────────────

  /** False: the engine failed before anything happened; the call is to go through plain. */
  begin(): 'attempt' | 'wait' | 'failed' {
    try {
      return this.listener.begin() ? 'attempt' : 'wait';
    } catch (error) {
      this.#report(error);
      return 'failed';
    }
  }

  /** Makes the first attempt, in the caller's own stack: what dispatch returns or throws is the caller's. */
  sendFirst(): boolean {
    const attempt = this.newAttempt();
    this.#attempt = attempt;
    let result = true;
    try {
      if (this.repeats) {
        this.listener.around(() => {
          result = transmit(this, attempt, undefined);
        });
        this.#rememberContext();
      } else {
        result = transmit(this, attempt, undefined);
      }
    } catch (error) {
      this.leave();
      this.ended = true;
      throw error;
    }
    return result;
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

  header(name: string): string | undefined {
    return requestHeader(this.options.headers, name);
  }

  sentHeader(name: string): string | undefined {
    return this.#attempt?.sentHeader(name);
  }

  replayable(): boolean {
    return !this.upgrade && (this.body?.replayable(this.#touched) ?? true);
  }

  send(attempt: Attempt): void {
    if (this.ended) return;
    this.#dropHeld();
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
    if (this.repeats) this.listener.around(dispatch);
    else dispatch();
  }

  cancel(error: Error): void {
    this.#attempt?.cancel(error);
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
      this.#guarded(act);
      return;
    }
    queueMicrotask(() => {
      if (!this.ended) this.#guarded(act);
    });
  }

  /** Runs what may call the caller's handler from a stack of ours, where a throw of the handler has nowhere to go. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#report(error);
    }
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

  judgeHead(head: ResponseHead): Disposition {
    try {
      return this.listener.onHead(head);
    } catch (error) {
      this.#report(error);
      return 'deliver';
    }
  }

  proceed(): void {
    try {
      this.listener.proceed();
    } catch (error) {
      this.#report(error);
      if (!this.ended) this.deliverError(error as Error);
    }
  }

  /** An attempt ended in an error before the caller saw a head. */
  attemptFailed(error: Error): void {
    if (this.ended) return;
    if (!this.left && this.body?.threw(error) === true) this.leave();
    if (this.left || this.#judgeError(error) === 'deliver') {
      this.deliverError(error);
      return;
    }
    this.#heldError = error;
    this.proceed();
  }

  #judgeError(error: Error): Disposition {
    try {
      return this.listener.onError(error);
    } catch (failure) {
      this.#report(failure);
      return 'deliver';
    }
  }

  deliverError(error: Error): void {
    this.ended = true;
    this.tellError(error);
  }

  /** The delivered body is complete. */
  bodyEnded(): void {
    this.ended = true;
    try {
      this.listener.onBodyEnd();
    } catch (error) {
      this.#report(error);
    }
  }

  /** The delivered body died, unless it was the caller who ended it. */
  bodyDied(error: Error): void {
    if (!this.left && this.body?.threw(error) === true) this.leave();
    if (!this.left) this.#guarded(() => this.listener.onBodyError(error));
    this.deliverError(error);
  }

  /** The connection became the caller's, or the other side refused that. */
  upgraded(status: number): void {
    this.#guarded(() => this.listener.onUpgrade(status));
  }

  /** Shows a chunk of the delivered body to whoever looks on. */
  show(tap: BodyTap, chunk: Uint8Array): void {
    try {
      tap.chunk(chunk);
    } catch (error) {
      this.#report(error);
    }
  }

  /** The caller gave up, or its own code failed. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    this.#guarded(() => this.listener.onAbort());
  }

  /** The caller's abort function. Undici ignores an abort of what has ended, and so do we. */
  abort(reason?: Error): void {
    if (this.ended) return;
    this.leave();
    this.#heldError = undefined;
    if (this.#attempt?.abort(reason) !== true) this.deliverError(reason ?? requestAborted());
  }
}

/** What undici makes of an abort without a reason. */
function requestAborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError', code: 'UND_ERR_ABORTED' });
}
