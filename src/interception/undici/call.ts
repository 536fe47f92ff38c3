import type { Attempt, Disposition, Exchange, ExchangeListener } from '../../engine/exchange.ts';
import type { Substitute } from '../../strategies/shared/contract.ts';
import { requestAborted } from './abort-errors.ts';
import { CallerScope, ScopedSide } from './caller-scope.ts';
import type { CallerSide, WireHead, WireLink } from './caller-side.ts';
import type { Destination } from './destination.ts';
import { play } from './playback.ts';
import { isSendable, type RequestBody } from './request-body.ts';
import { headerPairs, requestHeader } from './request-headers.ts';
import { sendAttempt } from './send-attempt.ts';
import type { UndiciInstance } from './undici-instance.ts';
import type { Dispatcher, DispatchOptions } from './undici-types.ts';
import { addWaiting, removeWaiting, type Waiting } from './waiting-calls.ts';
import { WireAttempt } from './wire-attempt.ts';
import { Wires } from './wires.ts';

export interface CallInput {
  readonly instance: UndiciInstance;
  /** The one the app dispatched on. */
  readonly dispatcher: Dispatcher;
  readonly destination: Destination;
  readonly options: DispatchOptions;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly buffersOutcome: boolean;
  readonly body: RequestBody | undefined;
  /** Our own code failed; the app's call must not. */
  readonly report: (error: unknown) => void;
}

/** One dispatch of the app as the engine's exchange. */
export class Call implements Exchange, Waiting {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly upgrade: boolean;
  readonly body: RequestBody | undefined;
  readonly input: CallInput;
  listener!: ExchangeListener;
  caller!: CallerSide;
  /** The caller has its abort function. */
  started = false;
  /** The caller has been told the end, or is being told. */
  ended = false;

  readonly #wires = new Wires();
  #heldError: Error | undefined = undefined;
  /** The caller has left by itself, or threw in our face: nothing it does says anything of the upstream. */
  #left = false;
  /** Still inside the caller's own `dispatch`: it must not be answered before that has returned. */
  #dispatching = false;
  /** The end is decided: no further attempt will come. */
  #closing = false;
  #scope: CallerScope | undefined = undefined;
  /** The caller has been told of an error. */
  #failed = false;

  constructor(input: CallInput) {
    const { destination } = input;
    this.input = input;
    this.protocol = destination.protocol;
    this.host = destination.host;
    this.port = destination.port;
    this.method = input.method;
    this.path = input.path;
    this.body = input.body;
    this.upgrade = Boolean(input.options.upgrade) || input.method === 'CONNECT';
  }

  // ── what the app asked for ────────────────────────────────────────────────────────────────────────────────────────

  header(name: string): string | undefined {
    return requestHeader(this.input.options.headers, name);
  }

  headers(): Iterable<readonly [name: string, value: string]> {
    return headerPairs(this.input.options.headers);
  }

  credentials(): string | undefined {
    return this.input.destination.credentials;
  }

  hasContent(): boolean {
    const { body } = this.input.options;
    if (body === undefined || body === null || body === '') return false;
    if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return body.byteLength > 0;
    return this.body?.empty() !== true;
  }

  whenFinal(): undefined {
    return undefined;
  }

  pinned(): boolean {
    return this.input.destination.pinned || Boolean(this.input.options.servername);
  }

  // ── the caller's dispatch ─────────────────────────────────────────────────────────────────────────────────────────

  /** Makes the first attempt, in the caller's own stack: what dispatch returns or throws is the caller's. */
  sendFirst(attempt: Attempt): boolean {
    const wire = new WireAttempt(this, attempt);
    this.#wires.current = wire;
    this.#dispatching = true;
    try {
      if (!this.listener.needsAttemptContext) return sendAttempt(wire);
      let result = true;
      this.#rememberScope();
      this.listener.withAttemptContext(() => {
        result = sendAttempt(wire);
      });
      return result;
    } catch (error) {
      this.callerAborted();
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
    if (!this.#left) this.listener.proceed();
    this.#dispatching = false;
    this.#rememberScope();
    // An answer of ours that only awaits the end of this dispatch is no waiting: nobody would take the call out again.
    if (!this.#closing && !this.ended && this.#wires.current === undefined) addWaiting(this.input.dispatcher, this);
    // `false` would announce a 'drain' event, and none would come.
    return true;
  }

  #rememberScope(): void {
    if (this.#closing || this.ended || this.#scope !== undefined) return;
    this.#scope = new CallerScope();
    this.caller = new ScopedSide(this.caller, this.#scope);
  }

  // ── exchange ──────────────────────────────────────────────────────────────────────────────────────────────────────

  sentHeader(name: string): string | undefined {
    return this.#wires.current?.sentHeader(name);
  }

  replayable(): boolean {
    return !this.upgrade && isSendable(this.body);
  }

  send(attempt: Attempt): void {
    if (this.ended) return;
    // The body may have gone since it was asked for, as may the dispatcher: then what was held is the outcome.
    if (this.#wires.current !== undefined && !this.replayable()) return this.#giveBack();
    this.#dropHeld();
    const wire = new WireAttempt(this, attempt);
    this.#wires.current = wire;
    this.#launchSoon(wire);
  }

  hedgeable(): boolean {
    const { body } = this;
    if (this.ended || this.#closing || this.#wires.current?.isWaitingForHead() !== true) return false;
    return this.replayable() && (body === undefined || body.isDone());
  }

  hedge(attempt: Attempt): void {
    const wire = new WireAttempt(this, attempt);
    this.#wires.join(wire);
    this.#launchSoon(wire);
  }

  #launchSoon(wire: WireAttempt): void {
    // We are in the stack of undici's report, of this call or another: a dispatch there would find its queues half moved.
    queueMicrotask(() => {
      // It may have been cancelled meanwhile.
      if (!wire.isOpen()) return;
      if (this.#scope === undefined) this.#launch(wire);
      else this.#scope.runInAsyncScope(this.#launch, this, wire);
      removeWaiting(this.input.dispatcher, this);
    });
  }

  #launch(wire: WireAttempt): void {
    try {
      if (this.listener.needsAttemptContext) this.listener.withAttemptContext(() => void sendAttempt(wire));
      else sendAttempt(wire);
    } catch (error) {
      // There is no caller above us to throw to.
      wire.failed(error as Error, false);
    }
  }

  cancel(attempt: Attempt, error: Error): void {
    this.#wires.of(attempt)?.cancel(error);
  }

  awaitsReader(): boolean {
    return this.caller.paused;
  }

  killBody(error: Error): void {
    this.#wires.current?.kill(error);
  }

  release(): void {
    const error = this.#heldError;
    this.#heldError = undefined;
    removeWaiting(this.input.dispatcher, this);
    if (error === undefined) this.#soon(() => this.#wires.current?.release());
    else this.#soon(() => this.deliverError(error));
  }

  fail(error: Error): void {
    this.#closing = true;
    this.#dropHeld();
    removeWaiting(this.input.dispatcher, this);
    this.#soon(() => this.deliverError(error));
  }

  respond(response: Substitute): void {
    this.#closing = true;
    this.#dropHeld();
    removeWaiting(this.input.dispatcher, this);
    this.body?.discard();
    this.#soon(() => {
      this.#startSafely();
      if (!this.ended) play(this, response);
    });
  }

  /** Now, unless the caller's `dispatch` has yet to return. */
  #soon(act: () => void): void {
    if (!this.#dispatching) this.#guarded(act);
    else
      queueMicrotask(() => {
        if (!this.ended) this.#guarded(act);
      });
  }

  /** Runs what may call the caller's handler from a stack of ours, where a throw of the handler has nowhere to go. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.input.report(error);
    }
  }

  #dropHeld(): void {
    this.#heldError = undefined;
    this.#wires.current?.discard();
  }

  /** The last real outcome goes to the caller after all: no further attempt can be made as the first was. */
  #giveBack(): void {
    this.callerAborted();
    this.#closing = true;
    this.release();
  }

  // ── the caller's end ──────────────────────────────────────────────────────────────────────────────────────────────

  startCaller(link: WireLink | undefined, context?: unknown): void {
    this.started = true;
    try {
      this.caller.start(link, context);
    } catch (error) {
      this.callerAborted();
      throw error;
    }
  }

  #startSafely(): void {
    if (this.started) return;
    try {
      this.startCaller(undefined);
    } catch (error) {
      // As undici does with a handler that throws there.
      this.#soon(() => this.deliverError(error as Error));
    }
  }

  /** The caller's abort function. Undici ignores an abort of what has ended, and so do we. */
  abort(reason?: Error): void {
    if (this.ended) return;
    this.callerAborted();
    this.#heldError = undefined;
    // Undici tells the caller itself, if it has the request in hand.
    this.#wires.abort(reason);
    if (!this.ended) this.#soon(() => this.deliverError(reason ?? requestAborted()));
  }

  /** The dispatcher was destroyed while nothing of this call was in its hands. */
  dispatcherDestroyed(error: Error | undefined): void {
    if (this.ended) return;
    if (this.#wires.current !== undefined) return this.#giveBack();
    this.callerAborted();
    if (error !== undefined) this.deliverError(error);
    // Undici has an error of its own for this.
    else
      this.#launch(new WireAttempt(this, { number: 1, endpoint: { name: '', target: undefined, breaker: undefined } }));
  }

  /** The caller gave up, or its own code failed. */
  callerAborted(): void {
    if (this.#left) return;
    this.#left = true;
    this.listener.onAbort();
  }

  // ── what attempts report ──────────────────────────────────────────────────────────────────────────────────────────

  /** An outcome was answered with `hold`. */
  holds(): void {
    addWaiting(this.input.dispatcher, this);
    this.listener.proceed();
  }

  /** What the engine says of a head; `deliver` and `hold` are said of the one attempt that is left. */
  attemptAnswered(wire: WireAttempt, head: WireHead): Disposition {
    const disposition = this.listener.onHead(wire.attempt, head);
    if (disposition === 'discard') this.#wires.leave(wire);
    else this.#wires.settle(wire);
    return disposition;
  }

  /** An attempt ended in an error before the caller saw a head. */
  attemptFailed(wire: WireAttempt, error: Error): void {
    if (this.ended) return;
    if (this.body?.threw(error) === true) this.callerAborted();
    const disposition = this.#left ? 'deliver' : this.listener.onError(wire.attempt, error);
    if (disposition === 'discard') return this.#wires.leave(wire);
    this.#wires.settle(wire);
    if (disposition === 'deliver') {
      this.deliverError(error);
      return;
    }
    this.#heldError = error;
    this.holds();
  }

  /** Once, whatever comes twice: undici's own handlers take a second error for another end. */
  deliverError(error: Error): void {
    this.ended = true;
    if (this.#failed) return;
    this.#failed = true;
    removeWaiting(this.input.dispatcher, this);
    this.caller.error(error);
  }

  bodyEnded(): void {
    this.ended = true;
    this.listener.onBodyEnd();
  }

  /** The delivered body died, unless it was the caller who ended it. */
  bodyDied(error: Error): void {
    if (this.body?.threw(error) === true) this.callerAborted();
    if (!this.#left) this.listener.onBodyError(error);
    this.deliverError(error);
  }

  upgraded(attempt: Attempt, status: number): void {
    this.listener.onUpgrade(attempt, status);
  }
}
