import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Attempt, ExchangeListener } from '../../../engine/exchange.ts';
import { internals, isUpgrade } from '../node-internals/internals.ts';
import { endAttempt, releaseSocket } from '../node-internals/release-socket.ts';
import { RequestHooks } from '../patch/request-hooks.ts';
import { killBody, prepareDelivery } from './delivery.ts';
import type { HttpCall, HttpExchange } from './http-exchange.ts';
import { MessageHead } from './message-head.ts';
import { diedUpstream, isMisuse, isOwnSocketError } from './request-error.ts';

const BODY_FIELD = /^(?:content-length: *0*[1-9]|transfer-encoding:)/im;

/** A call that is one attempt and no more: the caller's own request, looked on. Nothing is recorded, held or repeated. */
export class DirectCall extends RequestHooks implements HttpCall {
  readonly #exchange: HttpExchange;
  readonly #listener: ExchangeListener;
  readonly #attempt: Attempt;
  readonly #request: ClientRequest;
  #response: IncomingMessage | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #bodyError: Error | undefined = undefined;
  #cancelled: Error | undefined = undefined;
  #ended = false;

  constructor(exchange: HttpExchange, listener: ExchangeListener, attempt: Attempt, request: ClientRequest) {
    super();
    this.#exchange = exchange;
    this.#listener = listener;
    this.#attempt = attempt;
    this.#request = request;
  }

  // ── what happens on the wire, and what the app does ───────────────────────────────────────────────────────────────

  override requestEvent(type: unknown, value: unknown): undefined {
    if (this.#ended) return;
    switch (type) {
      case 'response':
        return this.#head(value as IncomingMessage);
      case 'error':
        return this.#failed(value as Error);
      case 'close':
        return this.#closed();
      case 'upgrade':
      case 'connect':
        return this.#upgraded(value as IncomingMessage);
    }
  }

  override responseEvent(response: IncomingMessage, type: string): undefined {
    if (type === 'end' && !this.#ended && response === this.#response) this.#bodyEnded();
  }

  override destroying(error: Error | undefined): boolean {
    const request = this.#request;
    if (this.#ended || request.destroyed || isOwnSocketError(request, error)) return false;
    if (this.#response?.complete) this.#bodyEnded();
    else this.#leave();
    return false;
  }

  override socketGiven(socket: Socket | null | undefined): boolean {
    if (this.#cancelled !== undefined) {
      if (socket) releaseSocket(socket, this.#request);
      return true;
    }
    this.#socket = socket ?? undefined;
    return false;
  }

  #head(response: IncomingMessage): undefined {
    this.#response = response;
    // Nothing can be held here: without further attempts or substitutes there is nothing to hold it for.
    this.#listener.onHead(this.#attempt, new MessageHead(response));
    prepareDelivery(this.#listener, response, []);
  }

  #failed(error: Error): undefined {
    if (isMisuse(error)) return;
    if (this.#response !== undefined) {
      // Not if the app destroyed the response with it.
      if (this.#response.errored !== error) this.#bodyError ??= error;
      return;
    }
    this.#ended = true;
    this.#listener.onError(this.#attempt, error);
  }

  #closed(): undefined {
    const response = this.#response;
    if (response === undefined) {
      // Nobody listened for an upgrade that was granted, or misuse was the end of it.
      const refused = internals(this.#request).res;
      if (refused != null && isUpgrade(refused)) this.#upgraded(refused);
      else this.#leave();
    } else if (response.complete) {
      this.#bodyEnded();
    } else if (this.#bodyError !== undefined || diedUpstream(response)) {
      this.#ended = true;
      this.#listener.onBodyError(this.#bodyError ?? response.errored ?? undefined);
    } else {
      this.#leave();
    }
  }

  #upgraded(response: IncomingMessage): undefined {
    this.#ended = true;
    this.#listener.onUpgrade(this.#attempt, response.statusCode ?? 0);
  }

  #bodyEnded(): void {
    this.#ended = true;
    this.#listener.onBodyEnd();
  }

  #leave(): void {
    this.#ended = true;
    this.#listener.onAbort();
  }

  // ── what the engine asks ──────────────────────────────────────────────────────────────────────────────────────────

  get sent(): ClientRequest {
    return this.#request;
  }

  cancel(_attempt: Attempt, error: Error): void {
    const request = this.#request;
    if (this.#ended || this.#response !== undefined) return;
    // A socket given inside the constructor was given before there was anything to tell.
    const socket = request.socket ?? this.#socket;
    if (socket === undefined) this.#cancelled = error;
    endAttempt(request, request, socket, error);
  }

  awaitsReader(): boolean {
    return (this.#response?.readableLength ?? 0) > 0;
  }

  killBody(error: Error): void {
    if (this.#ended || this.#response === undefined) return;
    this.#bodyError = error;
    killBody(this.#response, error);
  }

  hasContent(): boolean {
    const { _header } = internals(this.#request);
    return _header === null ? this.#exchange.announcesContent() : BODY_FIELD.test(_header);
  }

  /** In observe mode it says what could have been for certain. */
  replayable(): boolean {
    return !this.hasContent();
  }

  // Without recoveries or hedges the engine asks for none of these.
  hedgeable(): boolean {
    return false;
  }
  hedge(): void {}
  send(): void {}
  fail(): void {}
  respond(): void {}
  release(): void {}
}
