import http, { type ClientRequest } from 'node:http';
import { addAbortSignal } from 'node:stream';
import type { ExchangeListener } from '../../engine/exchange.ts';
import { hollowRequest } from './agents.ts';
import type { CallTarget } from './call-target.ts';
import { CallerRequest } from './caller-request.ts';
import { EventRelay } from './event-relay.ts';
import type { CallSite } from './http-exchange.ts';
import { internals } from './internals.ts';
import { RUNNING } from './outcome-relay.ts';
import { Stamp } from './request-hooks.ts';
import { WireAttempt } from './wire-attempt.ts';

/**
 * A call that may wait before its first attempt, or have more than one, or be answered by a substitute. The caller holds
 * one request all along. A first attempt that need not wait is that request; every other is made by a Shadow, whose
 * socket is handed to it.
 */
export class RelayedCall extends EventRelay {
  #waits = true;

  /** With a listener whose judgement was to wait, or without one: `begin` brings it. */
  constructor(target: CallTarget, site: CallSite, listener?: ExchangeListener) {
    super(target, site);
    if (listener !== undefined) this.listener = listener;
  }

  /** Has the engine judge the call. Nothing is to be seen of it yet. */
  begin(listener: ExchangeListener): void {
    this.listener = listener;
    const first = listener.begin();
    this.#waits = first === undefined;
    if (first !== undefined) this.current = first;
  }

  start(): ClientRequest {
    if (this.#waits) return this.wait();
    const { callback } = this.target;
    const signal = this.options.signal;
    const request = this.#first(signal === undefined);
    if (!(request instanceof http.ClientRequest)) {
      this.leave();
      return request;
    }
    this.state = RUNNING;
    this.#adopt(request);
    this.attempt = WireAttempt.own(this.caller);
    if (callback !== undefined) request.once('response', callback as never);
    // As in Node: null is none.
    if (signal) attachSignal(signal, request);
    return request;
  }

  /** Without the callback and the signal: both are the call's, and must not end with the first attempt. */
  #first(asGiven: boolean): ClientRequest {
    const { module, args, layers } = this.site;
    const { callback } = this.target;
    const { signal: _, ...options } = this.options;
    const made = asGiven ? args.filter((arg) => arg !== callback || callback === undefined) : [options];
    let request: ClientRequest | undefined;
    let refusal: { readonly error: unknown } | undefined;
    this.listener.withAttemptContext(() => {
      try {
        request = module.inner(made, layers);
      } catch (error) {
        refusal = { error };
      }
    });
    if (refusal !== undefined) {
      this.leave();
      throw refusal.error;
    }
    return request ?? module.inner(made, layers);
  }

  /** Gives the caller a request without an attempt, and has the engine go on from there. */
  wait(): ClientRequest {
    const { module } = this.site;
    let request: ClientRequest;
    try {
      request = hollowRequest(module.module, module.protocol === 'https:', this.options, this.target.callback as never);
    } catch (error) {
      this.leave();
      throw error;
    }
    this.#adopt(request);
    if (request.destroyed) {
      this.leave();
      this.caller.end(undefined);
    } else {
      this.#proceedFromStart();
    }
    return request;
  }

  #proceedFromStart(): void {
    try {
      this.listener.proceed();
    } catch (error) {
      this.site.report(error);
      // A fault of ours; but a request that never comes to an end would be worse than one that fails.
      this.fail(error as Error);
    }
  }

  #adopt(request: ClientRequest): void {
    this.request = request;
    this.caller = new CallerRequest(request, this.site.maxReplayBytes, () => this.mayStillChange());
    Stamp.put(request, this);
  }
}

/** As the constructor does it, which at that point has not said yet that the request can be aborted. */
function attachSignal(signal: AbortSignal, request: ClientRequest): void {
  const state: { aborted: boolean | undefined } = internals(request);
  const { aborted } = state;
  state.aborted = undefined;
  try {
    addAbortSignal(signal, request);
  } catch (error) {
    // Not a signal: the caller gets this error, and no request that could end in another.
    request.on('error', () => {});
    request.destroy();
    throw error;
  } finally {
    state.aborted = aborted || state.aborted === true;
  }
}
