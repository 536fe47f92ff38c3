import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Attempt, ExchangeListener } from '../../engine/exchange.ts';
import type { Substitute } from '../../strategies/shared/contract.ts';
import { killBody, prepareDelivery } from './delivery.ts';
import { HttpExchange } from './http-exchange.ts';
import { internals, isUpgrade } from './internals.ts';
import { MessageHead } from './message-head.ts';
import { RelayedCall } from './relayed-call.ts';
import { diedUpstream, isMisuse, isOwnSocketError } from './request-error.ts';
import { Stamp } from './request-hooks.ts';
import { endAttempt, giveBack } from './withdraw.ts';

const BODY_FIELD = /^(?:content-length: *[1-9]|transfer-encoding:)/im;

/**
 * A call that is one attempt and no more: the caller's own request, made at once, and looked on. What cannot be so (a
 * rejection, a wait) is a matter for the RelayedCall that takes over when `begin` says no.
 */
export class DirectCall extends HttpExchange {
  #listener!: ExchangeListener;
  #attempt!: Attempt;
  #response: IncomingMessage | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #bodyError: Error | undefined = undefined;
  #cancelled: Error | undefined = undefined;
  #ended = false;
  #relay: RelayedCall | undefined = undefined;

  /** Has the engine judge the call. Nothing is to be seen of it yet. */
  begin(listener: ExchangeListener): void {
    this.#listener = listener;
    const attempt = listener.begin();
    if (attempt === undefined) this.#relay = new RelayedCall(this.target, this.site, listener);
    else this.#attempt = attempt;
  }

  start(): ClientRequest {
    if (this.#relay !== undefined) return this.#relay.wait();
    const request = this.#make();
    // A mock below us may return an object of its own, of which no sensor will tell.
    if (!(request instanceof http.ClientRequest)) {
      this.#leave();
      return request;
    }
    this.request = request;
    Stamp.put(request, this);
    // An aborted signal destroys the request inside its constructor.
    if (request.destroyed) this.#leave();
    return request;
  }

  #make(): ClientRequest {
    const { module, args, layers } = this.site;
    let made: ClientRequest | undefined;
    try {
      if (!this.#listener.needsAttemptContext) made = module.inner(args, layers);
      else {
        this.#listener.withAttemptContext(() => {
          made = module.inner(args, layers);
        });
      }
      made ??= module.inner(args, layers);
      return made;
    } finally {
      // Not caught and thrown again: an app that dies of it is to be shown Node's line, not one of ours.
      if (made === undefined) this.#leave();
    }
  }

  // ── what the sensors tell ─────────────────────────────────────────────────────────────────────────────────────────

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
        this.#ended = true;
        this.#listener.onUpgrade(this.#attempt, (value as IncomingMessage).statusCode ?? 0);
    }
  }

  override responseEvent(response: IncomingMessage, type: string): undefined {
    if (type === 'end' && !this.#ended && response === this.#response) this.#bodyEnded();
  }

  override destroying(error: Error | undefined): boolean {
    const { request } = this;
    if (this.#ended || request === undefined || request.destroyed || isOwnSocketError(request, error)) return false;
    if (this.#response?.complete) this.#bodyEnded();
    else this.#leave();
    return false;
  }

  override socketGiven(socket: Socket | null | undefined): boolean {
    if (this.#cancelled !== undefined) {
      if (socket) giveBack(socket, this.request);
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
      const refused = this.request && internals(this.request).res;
      this.#ended = true;
      if (refused != null && isUpgrade(refused)) this.#listener.onUpgrade(this.#attempt, refused.statusCode ?? 0);
      else this.#listener.onAbort();
    } else if (response.complete) {
      this.#bodyEnded();
    } else if (this.#bodyError !== undefined || diedUpstream(response)) {
      this.#ended = true;
      this.#listener.onBodyError(this.#bodyError ?? response.errored ?? undefined);
    } else {
      this.#leave();
    }
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

  override sentHeader(name: string): string | undefined {
    return this.#relay === undefined ? super.sentHeader(name) : this.#relay.sentHeader(name);
  }

  override header(name: string): string | undefined {
    return this.#relay === undefined ? super.header(name) : this.#relay.header(name);
  }

  cancel(attempt: Attempt, error: Error): void {
    if (this.#relay !== undefined) return this.#relay.cancel(attempt, error);
    const { request } = this;
    if (this.#ended || request === undefined || this.#response !== undefined) return;
    // A socket given inside the constructor was given before there was anything to tell.
    const socket = request.socket ?? this.#socket;
    if (socket === undefined) this.#cancelled = error;
    endAttempt(request, request, socket, error);
  }

  awaitsReader(): boolean {
    if (this.#relay !== undefined) return this.#relay.awaitsReader();
    return (this.#response?.readableLength ?? 0) > 0;
  }

  killBody(error: Error): void {
    if (this.#relay !== undefined) return this.#relay.killBody(error);
    if (this.#ended || this.#response === undefined) return;
    this.#bodyError = error;
    killBody(this.#response, error);
  }

  send(attempt: Attempt): void {
    this.#relay?.send(attempt);
  }

  fail(error: Error): void {
    this.#relay?.fail(error);
  }

  respond(response: Substitute): void {
    this.#relay?.respond(response);
  }

  release(): void {
    this.#relay?.release();
  }

  /** Nothing is recorded here, and nothing repeated: in observe mode it says what could have been for certain. */
  replayable(): boolean {
    if (this.#relay !== undefined) return this.#relay.replayable();
    const head = this.request && internals(this.request)._header;
    return !BODY_FIELD.test(head ?? '');
  }
}
