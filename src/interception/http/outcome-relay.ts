import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Attempt, ExchangeListener } from '../../engine/exchange.ts';
import type { Substitute } from '../../strategies/shared/contract.ts';
import { type CallOptions, type CallTarget, copyOptions } from './call-target.ts';
import type { CallerRequest } from './caller-request.ts';
import { killBody, prepareDelivery } from './delivery.ts';
import { HeldError, type HeldResponse } from './held-outcome.ts';
import { type CallSite, HttpExchange } from './http-exchange.ts';
import { emitPlain, internals, responseInternals } from './internals.ts';
import { requestHeader } from './message-head.ts';
import { canRepeat } from './self-test.ts';
import { SubstituteSocket, substituteBytes } from './substitute.ts';
import { type AttemptSource, WireAttempt } from './wire-attempt.ts';

export type State =
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
export const RUNNING: State = { name: 'running' };
export const ENDED: State = { name: 'ended' };

/** What the engine can have done to a call that is more than one plain attempt: the way out of each state. */
export abstract class OutcomeRelay extends HttpExchange {
  protected readonly options: CallOptions;
  protected readonly context = new AsyncResource('ResilientRequest');
  protected listener!: ExchangeListener;
  protected caller!: CallerRequest;
  protected state: State = IDLE;
  protected current!: Attempt;
  protected attempt: WireAttempt | undefined = undefined;
  protected bodyError: Error | undefined = undefined;
  /** Inside the emission of 'response': releasing what is held means letting it go on. */
  protected emitting = false;

  constructor(target: CallTarget, site: CallSite) {
    super(target, site);
    this.options = copyOptions(target);
  }

  override sentHeader(name: string): string | undefined {
    const request = this.attempt?.request;
    return request === undefined ? super.sentHeader(name) : requestHeader(request, name);
  }

  replayable(): boolean {
    if (this.method === 'CONNECT' || this.header('upgrade') !== undefined) return false;
    // Asked before the caller has its request, as when the circuit is open: nothing has been written that could be lost.
    if (this.request === undefined) return true;
    const { request, replayable } = this.caller;
    return replayable && canRepeat(request, this.site.report);
  }

  send(attempt: Attempt): void {
    this.#clear(() => this.#launch(attempt));
  }

  respond(response: Substitute): void {
    this.#clear(() => {
      this.state = ENDED;
      const bytes = substituteBytes(response, this.method);
      this.caller.answerBy(new SubstituteSocket(bytes, this.protocol === 'https:'));
    });
  }

  fail(error: Error): void {
    this.#clear(() => {
      this.state = ENDED;
      // The caller has to get its request first, and put its listeners on it.
      process.nextTick(() => this.caller.end(error));
    });
  }

  release(): void {
    const { state } = this;
    if (state.name === 'response_held') this.#releaseResponse(state.held);
    else if (state.name === 'error_held') this.#releaseError(state.held);
  }

  cancel(_attempt: Attempt, error: Error): void {
    if (this.state.name === 'running') this.attempt?.cancel(error);
    else if (this.state.name === 'clearing') {
      // The attempt waits for the last one's connection: it is over before it was made.
      const next = (): void => {
        this.state = RUNNING;
        this.#launchFailed(error);
      };
      this.state = { name: 'clearing', next };
    }
  }

  awaitsReader(): boolean {
    return this.state.name === 'delivered' && this.state.response.readableLength > 0;
  }

  killBody(error: Error): void {
    if (this.state.name !== 'delivered') return;
    this.bodyError = error;
    killBody(this.state.response, error);
  }

  /** Throws away what is held, and goes on once the request's last connection is done with it. */
  #clear(next: () => void): void {
    const { state } = this;
    if (state.name === 'idle') return next();
    if (state.name !== 'error_held' && state.name !== 'response_held') return;
    // Without the means to start the request over, the outcome there is has to do.
    if (!canRepeat(this.caller.request, this.site.report)) return this.release();
    this.state = { name: 'clearing', next };
    if (state.name === 'error_held') {
      if (state.held.closed) this.cleared();
      return;
    }
    this.attempt?.tell('response', state.held.response);
    if (state.held.closed) process.nextTick(() => this.cleared());
    else state.held.drain();
  }

  /** The request waits for a socket anew. */
  protected cleared(): void {
    const { state } = this;
    if (state.name !== 'clearing') return;
    this.attempt?.drop();
    this.attempt = undefined;
    this.caller.rearm();
    this.state = IDLE;
    state.next();
  }

  #launch(current: Attempt): void {
    const { endpoint } = current;
    this.current = current;
    const { context, listener, site, options, target } = this;
    const attempt = new WireAttempt(this.caller);
    const source: AttemptSource = { call: target, site, options, context, listener };
    this.state = RUNNING;
    this.attempt = attempt;
    try {
      attempt.open(source, endpoint);
    } catch (error) {
      attempt.withdraw();
      // Not from inside the engine's own step.
      process.nextTick(() => this.#launchFailed(error as Error));
    }
  }

  #launchFailed(error: Error): void {
    if (this.state.name !== 'running') return;
    if (this.listener.onError(this.current, error) === 'hold') return this.holdError(error, true);
    this.state = ENDED;
    this.caller.end(error);
  }

  /** `closed`: no 'close' of the request will follow. */
  protected holdError(error: Error, closed: boolean): void {
    const held = new HeldError(error, closed, this.caller.request);
    this.state = { name: 'error_held', held };
    this.caller.attemptEnding();
    // Now, and not when it is known what the app hears of it: a tracer's span ends when the attempt does.
    this.attempt?.tell('error', error);
    if (closed) this.proceedFrom(held);
  }

  /** Once the request's last connection is done with it. */
  protected proceedFrom(held: HeldError): void {
    process.nextTick(() => {
      if (this.state.name !== 'error_held' || this.state.held !== held) return;
      try {
        this.listener.proceed();
      } catch (error) {
        this.site.report(error);
        this.release();
      }
    });
  }

  protected deliver(response: IncomingMessage, early: readonly Buffer[]): undefined {
    this.state = { name: 'delivered', response };
    prepareDelivery(this.listener, response, early);
    this.caller.settle();
  }

  #releaseResponse(held: HeldResponse): void {
    const { response } = held;
    held.released();
    this.deliver(response, held.chunks);
    if (this.emitting) return;
    // On a tick of its own: what the app throws is not the engine's to catch.
    process.nextTick(() => {
      if (this.state.name !== 'delivered') return;
      const { request } = this.caller;
      this.attempt?.mirror('response', response);
      const heard = this.context.runInAsyncScope(() => emitPlain(request, 'response', response));
      if (!heard) responseInternals(response)._dump();
      process.nextTick(() => {
        held.catchUp();
        if (held.closed) request.emit('close');
      });
    });
  }

  #releaseError(held: HeldError): void {
    const { attempt } = this;
    const { request } = this.caller;
    this.state = ENDED;
    process.nextTick(() => {
      this.caller.settle();
      attempt?.drop();
      this.context.runInAsyncScope(() => {
        const closes = held.restoreState(request);
        held.tell();
        // The attempt was never made: nothing of Node's will end the request.
        if (!closes && attempt?.shadowed !== false) return this.caller.end(held.error);
        emitPlain(request, 'error', held.error);
        // Nothing closes, or Node has yet to say so itself.
        if (!closes || !held.closed) return;
        Object.assign(internals(request), { destroyed: true, _closed: true });
        emitPlain(request, 'close');
      });
    });
  }
}
