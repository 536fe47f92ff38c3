import type { AsyncResource } from 'node:async_hooks';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Attempt, ExchangeListener } from '../../../engine/exchange.ts';
import type { Substitute } from '../../../strategies/shared/contract.ts';
import { WireAttempt } from '../attempt/wire-attempt.ts';
import { internals, isUpgrade, type WriteCallback } from '../node-internals/internals.ts';
import { releaseSocket } from '../node-internals/release-socket.ts';
import { canRepeat } from '../node-internals/self-test.ts';
import { giveSocket } from '../patch/prototype-patches.ts';
import { RequestHooks } from '../patch/request-hooks.ts';
import type { CallOptions } from './call-target.ts';
import { CallerRequest } from './caller-request.ts';
import { killBody, prepareDelivery } from './delivery.ts';
import { HeldError, type HeldOutcome, HeldResponse } from './held-outcome.ts';
import type { HttpCall, HttpExchange } from './http-exchange.ts';
import { MessageHead } from './message-head.ts';
import { emitReleasedError, emitReleasedResponse } from './release.ts';
import { diedUpstream, isMisuse, isOwnSocketError } from './request-error.ts';
import { substituteSocket } from './substitute.ts';

/**
 * Where a call is, and what may come of it:
 *
 *   idle       no attempt, no socket            send → running · respond, fail, destroy → ended
 *   running    an attempt is in flight          response → held, delivered · error → held, ended · upgrade, destroy → ended
 *   held       an outcome the app has not seen  send → running · release → delivered, ended · respond, fail, destroy → ended
 *   delivered  the app has the response         end of the body, its death, destroy → ended
 *   ended      nothing more to tell the engine
 */
type State =
  | { readonly name: 'idle' }
  | { readonly name: 'running' }
  | { readonly name: 'held'; readonly outcome: HeldOutcome }
  | { readonly name: 'delivered'; readonly response: IncomingMessage }
  | { readonly name: 'ended' };

const { setImmediate: startImmediate } = globalThis;

const IDLE: State = { name: 'idle' };
const RUNNING: State = { name: 'running' };
const ENDED: State = { name: 'ended' };

/** What the call was made with, and where. */
export interface CallOrigin {
  readonly options: CallOptions;
  /** The context of the caller. */
  readonly context: AsyncResource;
}

/**
 * A call that may wait before its first attempt, have more than one, or be answered by a substitute. The caller holds
 * one request all along. A first attempt that need not wait is that request; every other has an AttemptRequest, whose
 * socket is handed to it. As soon as an attempt has failed, its connection is another request's affair: the caller's
 * goes on taking what the app writes.
 */
export class RelayedCall extends RequestHooks implements HttpCall {
  readonly #exchange: HttpExchange;
  readonly #listener: ExchangeListener;
  readonly #options: CallOptions;
  readonly #context: AsyncResource;
  readonly #caller: CallerRequest;
  #state: State = IDLE;
  #current: Attempt | undefined;
  #attempt: WireAttempt | undefined = undefined;
  #bodyError: Error | undefined = undefined;
  /** Inside the emission of 'response': releasing what is held means letting it go on; all else waits until it is over. */
  #emitting = false;
  /** The current attempt had a response. */
  #answered = false;
  /** What the current attempt was cancelled with before it was made. */
  #cutShort: Error | undefined = undefined;

  /** `first`: the attempt that `request` is itself; undefined: the call waits. */
  constructor(
    exchange: HttpExchange,
    listener: ExchangeListener,
    origin: CallOrigin,
    request: ClientRequest,
    first: Attempt | undefined,
  ) {
    super();
    this.#exchange = exchange;
    this.#listener = listener;
    this.#options = origin.options;
    this.#context = origin.context;
    this.#current = first;
    const runs = first !== undefined;
    this.#caller = new CallerRequest(request, exchange.site.maxReplayBytes, runs, () => this.#mayStillChange());
    if (!runs) return;
    this.#state = RUNNING;
    this.#attempt = WireAttempt.ofCaller(this.#caller, this);
  }

  get sent(): ClientRequest {
    return this.#attempt?.request ?? this.#caller.request;
  }

  hasContent(): boolean {
    return this.#caller.body.hasContent(() => this.#exchange.announcesContent());
  }

  replayable(): boolean {
    return this.#caller.repeatable && this.#canRestart() && !this.#answeredEarly();
  }

  /** An app may wait for the answer to what it has sent so far: another attempt might wait for the rest of it. */
  #answeredEarly(): boolean {
    const { body } = this.#caller;
    return this.#answered && body.state === 'growing' && !body.awaitsContinue;
  }

  #canRestart(): boolean {
    return canRepeat(this.#caller.request, this.#exchange.site.report);
  }

  /** The call begins without an attempt, once the app has had its turn: what it sets in the same breath counts. */
  proceedFromStart(): void {
    if (this.#caller.request.destroyed) {
      this.#end((listener) => listener.onAbort());
      this.#caller.end(undefined);
      return;
    }
    process.nextTick(() => {
      if (this.#state === IDLE) this.#proceed((error) => this.fail(error));
    });
  }

  /** `otherwise`: a fault of ours; but a request that never came to an end would be worse than one that fails. */
  #proceed(otherwise: (error: Error) => void): void {
    try {
      this.#listener.proceed();
    } catch (error) {
      this.#exchange.site.report(error);
      otherwise(error as Error);
    }
  }

  // ── what the engine asks ──────────────────────────────────────────────────────────────────────────────────────────

  send(attempt: Attempt): void {
    this.#current = attempt;
    this.#cutShort = undefined;
    const { name } = this.#state;
    // Asked again now: the app has gone on writing.
    if (name === 'held' && !this.replayable()) return this.#unsendable(attempt);
    this.#clear((outcome) => this.#launchAfter(outcome, attempt));
  }

  respond(response: Substitute): void {
    this.#clear(() => {
      this.#state = ENDED;
      const { method, protocol } = this.#exchange;
      giveSocket(this.#caller.request, substituteSocket(response, method, protocol === 'https:'));
    });
  }

  fail(error: Error): void {
    this.#clear(() => {
      this.#state = ENDED;
      this.#caller.end(error);
    });
  }

  release(): void {
    const state = this.#state;
    if (state.name !== 'held') return;
    const { outcome } = state;
    const source = { caller: this.#caller, attempt: this.#attempt, context: this.#context };
    if (outcome.kind === 'error') {
      this.#state = ENDED;
      process.nextTick(() => emitReleasedError(outcome, source));
      return;
    }
    outcome.unwatch();
    this.#deliver(outcome.response, outcome.chunks);
    // On a tick of its own: what the app throws is not the engine's to catch.
    if (!this.#emitting) process.nextTick(() => emitReleasedResponse(outcome, source));
  }

  cancel(attempt: Attempt, error: Error): void {
    if (attempt !== this.#current) return;
    if (this.#state.name === 'running') this.#attempt?.cancel(error);
    else this.#cutShort = error;
  }

  awaitsReader(): boolean {
    return this.#state.name === 'delivered' && this.#state.response.readableLength > 0;
  }

  killBody(error: Error): void {
    if (this.#state.name !== 'delivered') return;
    this.#bodyError = error;
    killBody(this.#state.response, error);
  }

  /** Throws away what is held, and goes on with the caller's request, which waits for a socket again. */
  #clear(next: (outcome: HeldOutcome | undefined) => void): void {
    const state = this.#state;
    if (state.name === 'idle') return next(undefined);
    if (state.name !== 'held') return;
    // Without the means to start the request over, the outcome there is has to do.
    if (!this.#canRestart()) return this.release();
    if (!this.#emitting) return this.#discard(state.outcome, next);
    process.nextTick(() => {
      if (this.#state === state) this.#discard(state.outcome, next);
    });
  }

  #discard(outcome: HeldOutcome, next: (outcome: HeldOutcome) => void): void {
    if (outcome.kind === 'response') {
      outcome.unwatch();
      this.#attempt?.discard(outcome.response, outcome.closed, true);
    }
    this.#attempt = undefined;
    this.#state = IDLE;
    this.#caller.requeue();
    next(outcome);
  }

  /** A response that is all there is out of the way at once, and its connection free for the next attempt. */
  #launchAfter(outcome: HeldOutcome | undefined, attempt: Attempt): void {
    if (outcome?.kind !== 'response' || !outcome.response.complete) return this.#launch(attempt);
    startImmediate(() => {
      if (this.#state === IDLE && this.#current === attempt) this.#launch(attempt);
    });
  }

  #launch(current: Attempt): void {
    const attempt = new WireAttempt(this.#caller, this);
    this.#state = RUNNING;
    this.#attempt = attempt;
    this.#answered = false;
    const { target, site } = this.#exchange;
    try {
      if (this.#cutShort !== undefined) throw this.#cutShort;
      const source = { call: target, site, options: this.#options, context: this.#context };
      attempt.open({ ...source, listener: this.#listener }, current.endpoint);
    } catch (error) {
      attempt.withdraw();
      // Not from inside the engine's own step.
      process.nextTick(() => this.#neverMade(error as Error));
    }
  }

  #neverMade(error: Error): void {
    if (this.#state.name !== 'running' || this.#current === undefined) return;
    if (this.#listener.onError(this.#current, error) === 'hold') return this.#holdError(error);
    this.#state = ENDED;
    this.#caller.end(error);
  }

  /** Whatever was decided, the request cannot be repeated by now: the app gets the outcome there is, unless better comes. */
  #unsendable(attempt: Attempt): void {
    const state = this.#state;
    const error = Object.assign(new Error('the request outgrew what can be sent again'), {
      code: 'ERR_NOT_REPEATABLE',
    });
    process.nextTick(() => {
      if (this.#state !== state) return;
      if (this.#listener.onError(attempt, error) === 'deliver') this.release();
      else this.#proceed(() => this.release());
    });
  }

  // ── what happens on the wire, and what the app does ───────────────────────────────────────────────────────────────

  override requestEvent(type: unknown, value: unknown, second: unknown, third: unknown): boolean | undefined {
    const answer = this.#react(type, value);
    if (answer === undefined && typeof type === 'string') this.#attempt?.mirror(type, value, second, third);
    return answer;
  }

  /** What further attempts bring about happens in a context of theirs; the app's listeners are to find their own. */
  override emissionContext(): AsyncResource | undefined {
    return this.#attempt?.isCallers === false ? this.#context : undefined;
  }

  #react(type: unknown, value: unknown): boolean | undefined {
    switch (type) {
      case 'response':
        return this.#onResponse(value as IncomingMessage);
      case 'error':
        return this.#onError(value as Error);
      case 'close':
        return this.#onClose();
      case 'upgrade':
      case 'connect':
        return this.#onUpgrade(value as IncomingMessage);
      case 'socket':
        // When the app's own listeners are on it.
        process.nextTick(() => this.#caller.socketSeen(value as Socket));
        return undefined;
      case 'prefinish':
      case 'finish':
      case 'continue':
        return this.#caller.hides(type) ? false : undefined;
      default:
        return undefined;
    }
  }

  #onResponse(response: IncomingMessage): boolean | undefined {
    if (this.#state.name !== 'running' || this.#current === undefined) return undefined;
    this.#answered = true;
    if (this.#listener.onHead(this.#current, new MessageHead(response)) === 'deliver') {
      return this.#deliver(response, []);
    }
    const held = new HeldResponse(response);
    this.#state = { name: 'held', outcome: held };
    this.#emitting = true;
    try {
      this.#listener.proceed();
    } catch (error) {
      // The patch reports it, and lets the event go on to the app.
      this.#state = ENDED;
      throw error;
    } finally {
      this.#emitting = false;
    }
    if (this.#isDelivered()) return undefined;
    held.keepChunks();
    return true;
  }

  #isDelivered(): boolean {
    return this.#state.name === 'delivered';
  }

  #deliver(response: IncomingMessage, early: readonly Buffer[]): undefined {
    this.#state = { name: 'delivered', response };
    prepareDelivery(this.#listener, response, early);
    this.#caller.body.settle();
  }

  #onError(error: Error): boolean | undefined {
    const state = this.#state;
    switch (state.name) {
      case 'delivered':
        if (state.response.errored !== error) this.#bodyError ??= error;
        return undefined;
      case 'held':
        if (state.outcome.kind === 'response') state.outcome.error ??= error;
        return true;
      case 'running':
        return this.#attemptFailed(error);
      default:
        return undefined;
    }
  }

  #attemptFailed(error: Error): boolean | undefined {
    if (isMisuse(error) || this.#current === undefined) return undefined;
    if (this.#listener.onError(this.#current, error) === 'hold') {
      this.#holdError(error);
      return true;
    }
    this.#state = ENDED;
    this.#caller.body.settle();
    return undefined;
  }

  #holdError(error: Error): void {
    const { request } = this.#caller;
    const closes = this.#attempt?.socket !== undefined || request.destroyed;
    const state: State = { name: 'held', outcome: new HeldError(error, request.destroyed, closes) };
    this.#state = state;
    if (this.#canRestart()) this.#attempt?.fail(error);
    process.nextTick(() => {
      if (this.#state === state) this.#proceed(() => this.release());
    });
  }

  #onClose(): boolean | undefined {
    const state = this.#state;
    switch (state.name) {
      case 'held':
        this.#closedWhileHeld(state.outcome);
        return true;
      case 'delivered':
        this.#bodyClosed(state.response);
        return undefined;
      case 'running':
        this.#closedUnanswered();
        return undefined;
      default:
        return undefined;
    }
  }

  /** What the app writes from here on Node would refuse: the request is taken off the connection that died. */
  #closedWhileHeld(outcome: HeldOutcome): void {
    outcome.closed = true;
    if (!this.#canRestart()) return;
    if (outcome.kind === 'response') this.#attempt?.detach();
    else this.#attempt?.close();
    this.#caller.stayOpen();
  }

  #bodyClosed(response: IncomingMessage): void {
    if (response.complete) return this.#end((listener) => listener.onBodyEnd());
    const error = this.#bodyError;
    if (error === undefined && !diedUpstream(response)) return this.#leave();
    this.#end((listener) => listener.onBodyError(error ?? response.errored ?? undefined));
  }

  /** An upgrade that was granted without anybody listening for it, or misuse, was the end of it. */
  #closedUnanswered(): void {
    const { res } = internals(this.#caller.request);
    if (res !== null && isUpgrade(res)) this.#onUpgrade(res);
    else this.#leave();
  }

  #onUpgrade(response: IncomingMessage): undefined {
    const current = this.#current;
    if (this.#state.name !== 'running' || current === undefined) return;
    this.#end((listener) => listener.onUpgrade(current, response.statusCode ?? 0));
  }

  override responseEvent(response: IncomingMessage, type: string, value: unknown): boolean | undefined {
    const state = this.#state;
    if (state.name === 'held' && state.outcome.kind === 'response' && response === state.outcome.response) {
      state.outcome.keepEvent(type, value);
      return true;
    }
    if (type === 'end' && state.name === 'delivered' && response === state.response) {
      this.#end((listener) => listener.onBodyEnd());
    }
    return undefined;
  }

  override destroying(error: Error | undefined): boolean {
    const { request } = this.#caller;
    const state = this.#state;
    switch (state.name) {
      case 'idle':
        return this.#giveUp(error);
      case 'running':
        return request.destroyed ? false : this.#leavesAttempt(error);
      case 'held':
        return this.#leavesHeld(state.outcome, error);
      case 'delivered':
        if (request.destroyed) return false;
        if (state.response.complete) this.#end((listener) => listener.onBodyEnd());
        else this.#leave();
        return false;
      default:
        return false;
    }
  }

  #leavesAttempt(error: Error | undefined): boolean {
    // What a listener on the raw socket passes on comes by way of the request's own events in a moment.
    if (isOwnSocketError(this.#caller.request, error)) return true;
    if (this.#attempt?.waits !== true) {
      this.#leave();
      return false;
    }
    this.#attempt.withdraw();
    return this.#giveUp(error);
  }

  #leavesHeld(outcome: HeldOutcome, error: Error | undefined): boolean {
    // The error that is held, passed on by a listener on the raw socket.
    const own = outcome.kind === 'error' ? outcome.error : (outcome.error ?? outcome.response.socket?.errored);
    if (error !== undefined && error === own) return true;
    if (!this.#canRestart()) {
      this.#leave();
      return false;
    }
    if (outcome.kind === 'response') {
      outcome.unwatch();
      this.#attempt?.discard(outcome.response, outcome.closed, false);
    }
    return this.#giveUp(error);
  }

  /** The app sees a request destroyed before there was anything to see of it. */
  #giveUp(error: Error | undefined): true {
    this.#leave();
    this.#caller.end(error);
    return true;
  }

  override socketGiven(socket: Socket | null | undefined): boolean {
    if (this.#attempt?.accepts(socket ?? undefined)) return false;
    if (socket) releaseSocket(socket, this.#caller.request);
    return true;
  }

  override writing(
    data: string | Uint8Array,
    encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    return this.#mayStillChange() ? this.#caller.body.note(data, encoding, callback) : callback;
  }

  override uncorking(): boolean {
    return this.#mayStillChange() && this.#caller.uncorking();
  }

  override headRendered(): void {
    this.#caller.headRendered();
    this.#exchange.headFinal();
  }

  override keepsSocketError(error: Error, tell: () => void): boolean {
    const state = this.#state;
    if (state.name !== 'held') return false;
    if (state.outcome.kind === 'response' || state.outcome.error === error) state.outcome.tellLater(tell);
    return true;
  }

  #leave(): void {
    this.#end((listener) => listener.onAbort());
  }

  #end(report: (listener: ExchangeListener) => void): void {
    this.#state = ENDED;
    this.#exchange.headFinal();
    report(this.#listener);
  }

  #mayStillChange(): boolean {
    const { name } = this.#state;
    return name !== 'delivered' && name !== 'ended';
  }
}
