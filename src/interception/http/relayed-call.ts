import { AsyncResource } from 'node:async_hooks';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import type { Attempt, ExchangeListener } from '../../engine/exchange.ts';
import type { Substitute } from '../../strategies/contract.ts';
import { hollowRequest } from './agents.ts';
import { AttemptListeners } from './attempt-listeners.ts';
import { planAttempt } from './attempt-options.ts';
import { type CallOptions, type CallTarget, copyOptions } from './call-target.ts';
import { CallerRequest } from './caller-request.ts';
import { killBody, prepareDelivery } from './delivery.ts';
import { HeldError, HeldResponse } from './held-outcome.ts';
import { type CallSite, HttpExchange } from './http-exchange.ts';
import { emitPlain, internals, isUpgrade, responseInternals, type WriteCallback } from './internals.ts';
import { MessageHead, requestHeader } from './message-head.ts';
import { diedUpstream, isMisuse, isOwnSocketError } from './request-error.ts';
import { HeadOverlay } from './request-head.ts';
import { Shadow } from './shadow.ts';
import { SubstituteSocket, substituteBytes } from './substitute.ts';
import { Stamp } from './watch.ts';
import { endAttempt, giveBack } from './withdraw.ts';

type State =
  /** No attempt: the request has no socket, nor waits for one. */
  | { readonly name: 'idle' }
  | { readonly name: 'running' }
  | { readonly name: 'response_held'; readonly held: HeldResponse }
  | { readonly name: 'error_held'; readonly held: HeldError }
  /** What was held is thrown away; goes on when the request's last connection is done with it. */
  | { readonly name: 'clearing'; readonly next: () => void }
  | { readonly name: 'delivered'; readonly response: IncomingMessage }
  /** Nothing more to tell the engine. */
  | { readonly name: 'ended' };

const IDLE: State = { name: 'idle' };
const RUNNING: State = { name: 'running' };
const ENDED: State = { name: 'ended' };

/**
 * A call that may wait before its first attempt, or have more than one, or be answered by a substitute. The caller holds
 * one request all along. A first attempt that need not wait is that request; every other is made by a Shadow, whose
 * socket is handed to it.
 */
export class RelayedCall extends HttpExchange {
  readonly #context = new AsyncResource('ResilientRequest', { requireManualDestroy: true });
  readonly #options: CallOptions;
  #listener!: ExchangeListener;
  #waits = true;
  #caller!: CallerRequest;
  #state: State = IDLE;
  #shadow: Shadow | undefined = undefined;
  #tracers: AttemptListeners | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #bodyError: Error | undefined = undefined;
  /** The caller's own request no longer waits for a socket of its agent. */
  #refusesSocket = false;
  /** Inside the emission of 'response': releasing what is held means letting it go on. */
  #emitting = false;

  /** With a listener whose judgement was to wait, or without one: `begin` brings it. */
  constructor(target: CallTarget, site: CallSite, listener?: ExchangeListener) {
    super(target, site);
    this.#options = copyOptions(target);
    if (listener !== undefined) this.#listener = listener;
  }

  // ── how it begins ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Has the engine judge the call. Nothing is to be seen of it yet. */
  begin(listener: ExchangeListener): void {
    this.#listener = listener;
    this.#waits = !listener.begin();
  }

  start(): ClientRequest {
    if (this.#waits) return this.wait();
    const { callback } = this.target;
    const signal = this.#options.signal;
    const request = this.#first(signal === undefined);
    if (!(request instanceof http.ClientRequest)) {
      this.#leave();
      return request;
    }
    this.#state = RUNNING;
    this.#adopt(request);
    this.#tracers = AttemptListeners.of(request);
    if (callback !== undefined) request.once('response', callback as never);
    if (signal !== undefined) attachSignal(signal, request);
    return request;
  }

  /** Without the callback and the signal: both are the call's, and must not end with the first attempt. */
  #first(asGiven: boolean): ClientRequest {
    const { module, args, layers } = this.site;
    const { callback } = this.target;
    const { signal: _, ...options } = this.#options;
    const made = asGiven ? args.filter((arg) => arg !== callback || callback === undefined) : [options];
    let request: ClientRequest | undefined;
    let refusal: { readonly error: unknown } | undefined;
    this.#listener.around(() => {
      try {
        request = module.inner(made, layers);
      } catch (error) {
        refusal = { error };
      }
    });
    if (refusal !== undefined) {
      this.#leave();
      throw refusal.error;
    }
    return request ?? module.inner(made, layers);
  }

  /** Gives the caller a request without an attempt, and has the engine go on from there. */
  wait(): ClientRequest {
    const { module } = this.site;
    let request: ClientRequest;
    try {
      request = hollowRequest(
        module.module,
        module.protocol === 'https:',
        this.#options,
        this.target.callback as never,
      );
    } catch (error) {
      this.#leave();
      throw error;
    }
    this.#refusesSocket = true;
    this.#adopt(request);
    if (request.destroyed) {
      this.#leave();
      this.#caller.end(undefined);
    } else {
      this.#proceedFromStart();
    }
    return request;
  }

  #proceedFromStart(): void {
    try {
      this.#listener.proceed();
    } catch (error) {
      this.site.report(error);
      // A fault of ours; but a request that never comes to an end would be worse than one that fails.
      this.fail(error as Error);
    }
  }

  #adopt(request: ClientRequest): void {
    this.request = request;
    this.#caller = new CallerRequest(request, this.site.maxReplayBytes, () => this.#mayStillChange());
    Stamp.put(request, this);
  }

  #mayStillChange(): boolean {
    const { name } = this.#state;
    return name !== 'delivered' && name !== 'ended';
  }

  // ── what the sensors tell ─────────────────────────────────────────────────────────────────────────────────────────

  override requestEvent(type: unknown, value: unknown): boolean | undefined {
    const answer = this.#heard(type, value);
    if (answer === undefined && typeof type === 'string') this.#shadow?.tell(type, value, this.#caller.request);
    return answer;
  }

  #heard(type: unknown, value: unknown): boolean | undefined {
    switch (type) {
      case 'response':
        return this.#onResponse(value as IncomingMessage);
      case 'error':
        return this.#onError(value as Error);
      case 'close':
        return this.#onClose();
      case 'upgrade':
      case 'connect':
        if (this.#state.name === 'running')
          this.#end((listener) => listener.onUpgrade((value as IncomingMessage).statusCode ?? 0));
        return undefined;
      case 'socket':
        // When the app's own listeners are on it.
        process.nextTick(() => this.#caller.socketSeen(value as Socket));
        return undefined;
      case 'prefinish':
      case 'finish':
        return this.#caller.repeats(type) ? false : undefined;
      case 'continue':
        // The body went along already, as a replay.
        return this.#shadow !== undefined && this.#caller.request.writableEnded ? false : undefined;
      default:
        return undefined;
    }
  }

  #onResponse(response: IncomingMessage): boolean | undefined {
    if (this.#state.name !== 'running') return undefined;
    const disposition = this.#listener.onHead(new MessageHead(response));
    if (disposition === 'deliver') return this.#deliver(response, []);
    const held = new HeldResponse(response);
    this.#state = { name: 'response_held', held };
    this.#caller.attemptEnding();
    this.#emitting = true;
    try {
      this.#listener.proceed();
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
    this.#caller.settle();
  }

  #onError(error: Error): boolean | undefined {
    const state = this.#state;
    if (state.name === 'delivered' && state.response.errored !== error) this.#bodyError ??= error;
    if (state.name === 'idle' || state.name === 'delivered' || state.name === 'ended') return undefined;
    if (state.name !== 'running') return true;
    if (isMisuse(error)) return undefined;
    if (this.#listener.onError(error) === 'deliver') {
      this.#state = ENDED;
      this.#caller.settle();
      return undefined;
    }
    // Without a socket nothing will close.
    this.#holdError(error, this.#socketGiven() === undefined && !this.#caller.request.destroyed);
    return true;
  }

  #holdError(error: Error, closed: boolean): void {
    const held = new HeldError(error, closed, this.#caller.request);
    this.#state = { name: 'error_held', held };
    this.#caller.attemptEnding();
    // Now, and not when it is known what the app hears of it: a tracer's span ends when the attempt does.
    this.#tellTracers('error', error);
    if (closed) this.#proceedFrom(held);
  }

  /** Once the request's last connection is done with it. */
  #proceedFrom(held: HeldError): void {
    process.nextTick(() => {
      if (this.#state.name === 'error_held' && this.#state.held === held) this.#listener.proceed();
    });
  }

  #onClose(): boolean | undefined {
    const state = this.#state;
    switch (state.name) {
      case 'response_held':
        state.held.closed = true;
        return true;
      case 'error_held':
        state.held.closed = true;
        this.#proceedFrom(state.held);
        return true;
      case 'clearing':
        process.nextTick(() => this.#cleared());
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

  #bodyClosed(response: IncomingMessage): void {
    if (response.complete) return this.#end((listener) => listener.onBodyEnd());
    const error = this.#bodyError;
    if (error === undefined && !diedUpstream(response)) return this.#leave();
    this.#end((listener) => listener.onBodyError(error ?? response.errored ?? undefined));
  }

  /** An upgrade that was granted without anybody listening for it, or misuse, was the end of it. */
  #closedUnanswered(): void {
    const { res } = internals(this.#caller.request);
    if (res !== null && isUpgrade(res)) this.#end((listener) => listener.onUpgrade(res.statusCode ?? 0));
    else this.#leave();
  }

  override responseEvent(response: IncomingMessage, type: string, value: unknown): boolean | undefined {
    const state = this.#state;
    if (state.name === 'response_held' && response === state.held.response) {
      state.held.keepEvent(type, value);
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
        this.#leave();
        this.#caller.end(error);
        return true;
      case 'running':
        return this.#destroyingAttempt(error);
      case 'delivered':
        if (request.destroyed) return false;
        if (state.response.complete) this.#end((listener) => listener.onBodyEnd());
        else this.#leave();
        return false;
      case 'error_held':
        // The error that is held, passed on by a listener on the raw socket.
        if (error === state.held.error) return true;
        this.#leaveHeld(state.held.closed, error);
        return true;
      case 'response_held':
        state.held.response.on('error', () => {});
        state.held.response.socket?.destroy();
        this.#leaveHeld(state.held.closed, error);
        return true;
      case 'clearing':
        this.#leaveHeld(false, error);
        return true;
      default:
        return false;
    }
  }

  #destroyingAttempt(error: Error | undefined): boolean {
    const { request } = this.#caller;
    if (request.destroyed) return false;
    // What a listener on the raw socket passes on comes by way of the request's own events in a moment.
    if (isOwnSocketError(request, error)) return true;
    this.#leave();
    if (this.#shadow === undefined || this.#socketGiven() !== undefined) return false;
    this.#shadow.withdraw();
    this.#caller.end(error);
    return true;
  }

  /** The app gives up while an outcome is held: it sees a request destroyed before there was one. */
  #leaveHeld(closed: boolean, error: Error | undefined): void {
    this.#listener.onAbort();
    internals(this.#caller.request).destroyed = true;
    this.#state = {
      name: 'clearing',
      next: () => {
        this.#state = ENDED;
        this.#caller.end(error);
      },
    };
    if (closed) process.nextTick(() => this.#cleared());
  }

  override socketGiven(socket: Socket | null | undefined): boolean {
    if (this.#refusesSocket) {
      if (socket) giveBack(socket, this.#caller.request);
      return true;
    }
    this.#socket = socket ?? undefined;
    return false;
  }

  override writing(
    data: string | Uint8Array,
    encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    return this.#mayStillChange() ? this.#caller.writing(data, encoding, callback) : callback;
  }

  override keepsSocketError(error: Error, tell: () => void): boolean {
    const state = this.#state;
    if (state.name === 'error_held' && state.held.error === error) state.held.tellLater(tell);
    return state.name === 'error_held' || state.name === 'clearing';
  }

  override headRendered(): void {
    this.#caller.headRendered();
  }

  #leave(): void {
    this.#end((listener) => listener.onAbort());
  }

  #end(report: (listener: ExchangeListener) => void): void {
    this.#state = ENDED;
    report(this.#listener);
  }

  // ── what the engine asks ──────────────────────────────────────────────────────────────────────────────────────────

  override sentHeader(name: string): string | undefined {
    const attempt = this.#shadow?.request;
    return attempt === undefined ? super.sentHeader(name) : requestHeader(attempt, name);
  }

  replayable(): boolean {
    const { method } = this.#caller.request;
    return method !== 'CONNECT' && this.header('upgrade') === undefined && this.#caller.replayable;
  }

  send(attempt: Attempt): void {
    this.#clear(() => this.#launch(attempt));
  }

  respond(response: Substitute): void {
    this.#clear(() => {
      this.#state = ENDED;
      const secure = this.protocol === 'https:';
      this.#caller.answerBy(new SubstituteSocket(substituteBytes(response, this.method), secure));
    });
  }

  fail(error: Error): void {
    this.#clear(() => {
      this.#state = ENDED;
      // The caller has to get its request first, and put its listeners on it.
      process.nextTick(() => this.#caller.end(error));
    });
  }

  release(): void {
    const state = this.#state;
    if (state.name === 'response_held') this.#releaseResponse(state.held);
    else if (state.name === 'error_held') this.#releaseError(state.held);
  }

  cancel(error: Error): void {
    if (this.#state.name !== 'running') return;
    const { request } = this.#caller;
    const socket = this.#socketGiven();
    if (socket === undefined) {
      if (this.#shadow === undefined) this.#refusesSocket = true;
      else this.#shadow.withdraw();
    }
    endAttempt(request, this.#shadow?.request ?? request, socket, error);
  }

  killBody(error: Error): void {
    if (this.#state.name !== 'delivered') return;
    this.#bodyError = error;
    killBody(this.#state.response, error);
  }

  // ── between attempts ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Throws away what is held, and goes on once the request's last connection is done with it. */
  #clear(next: () => void): void {
    const state = this.#state;
    switch (state.name) {
      case 'idle':
        return next();
      case 'error_held':
        this.#state = { name: 'clearing', next };
        if (state.held.closed) this.#cleared();
        return;
      case 'response_held':
        this.#state = { name: 'clearing', next };
        this.#tellTracers('response', state.held.response);
        if (state.held.closed) process.nextTick(() => this.#cleared());
        else state.held.drain();
    }
  }

  /** The attempt is over in every respect: what observed it is told and taken off, and the request waits anew. */
  #cleared(): void {
    const state = this.#state;
    if (state.name !== 'clearing') return;
    this.#tellTracers('close', undefined);
    this.#dropTracers();
    this.#caller.rearm();
    this.#socket = undefined;
    this.#refusesSocket = true;
    this.#state = IDLE;
    state.next();
  }

  #launch({ endpoint }: Attempt): void {
    const { target } = endpoint;
    const { request } = this.#caller;
    const plan = planAttempt(this.target, this.#options, request, target);
    const module = target === undefined ? this.site.module : this.site.modules[target.protocol];
    let overlay: HeadOverlay | undefined;
    const shadow = new Shadow((from, socket, error) => {
      if (from !== this.#shadow || this.#state.name !== 'running') {
        if (socket) giveBack(socket, from.request);
        return;
      }
      this.#socket = socket ?? undefined;
      const attempt = from.request as ClientRequest;
      overlay ??= new HeadOverlay(attempt, plan.headers, plan.withheld);
      this.#caller.connect(attempt, overlay, socket, error);
    });
    this.#state = RUNNING;
    this.#shadow = shadow;
    let failure: Error | undefined;
    this.#context.runInAsyncScope(() => {
      this.#listener.around(() => {
        try {
          shadow.open(module, plan.options);
        } catch (error) {
          failure = error as Error;
        }
      });
    });
    if (failure !== undefined) this.#launchFailed(failure);
  }

  /** The agent, or something below us, refused to make the attempt. */
  #launchFailed(error: Error): void {
    this.#shadow?.withdraw();
    process.nextTick(() => {
      if (this.#state.name !== 'running') return;
      if (this.#listener.onError(error) === 'hold') return this.#holdError(error, true);
      this.#state = ENDED;
      this.#caller.end(error);
    });
  }

  #releaseResponse(held: HeldResponse): void {
    const { response } = held;
    const { request } = this.#caller;
    held.released();
    this.#deliver(response, held.chunks);
    if (this.#emitting) return;
    // On a tick of its own: what the app throws is not the engine's to catch.
    process.nextTick(() => {
      if (this.#state.name !== 'delivered') return;
      this.#shadow?.tell('response', response, request);
      const heard = this.#context.runInAsyncScope(() => emitPlain(request, 'response', response));
      if (!heard) responseInternals(response)._dump();
      process.nextTick(() => {
        held.catchUp();
        if (held.closed) request.emit('close');
      });
    });
  }

  #releaseError(held: HeldError): void {
    const { request } = this.#caller;
    const shadow = this.#shadow;
    this.#state = ENDED;
    process.nextTick(() => {
      this.#caller.settle();
      this.#tellTracers('close', undefined);
      this.#dropTracers();
      this.#context.runInAsyncScope(() => {
        const closes = held.restoreState(request);
        held.tell();
        // The attempt was never made: nothing of Node's will end the request.
        if (!closes && shadow !== undefined) return this.#caller.end(held.error);
        emitPlain(request, 'error', held.error);
        if (!closes) return;
        Object.assign(internals(request), { destroyed: true, _closed: true });
        emitPlain(request, 'close');
      });
    });
  }

  /** From the moment it is given; the request itself shows it a tick later, but knows of one given in its constructor. */
  #socketGiven(): Socket | undefined {
    return this.#caller.request.socket ?? this.#socket;
  }

  #tellTracers(type: string, value: unknown): void {
    const { request } = this.#caller;
    this.#shadow?.tell(type, value, request);
    this.#tracers?.tell(type, value, request);
  }

  #dropTracers(): void {
    this.#tracers?.drop(this.#caller.request);
    this.#tracers = undefined;
    this.#shadow?.drop();
    this.#shadow = undefined;
  }
}

/** As the constructor does it, which at that point has not said yet that the request can be aborted. */
function attachSignal(signal: AbortSignal, request: ClientRequest): void {
  const state: { aborted: boolean | undefined } = internals(request);
  const { aborted } = state;
  state.aborted = undefined;
  addAbortSignal(signal, request);
  state.aborted = aborted || state.aborted === true;
}
