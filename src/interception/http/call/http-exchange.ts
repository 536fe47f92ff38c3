import type { ClientRequest } from 'node:http';
import type { Attempt, Exchange } from '../../../engine/exchange.ts';
import type { Substitute } from '../../../strategies/shared/contract.ts';
import { RequestBrand, type RequestHooks } from '../patch/request-hooks.ts';
import type { CallSite } from './call-site.ts';
import { type CallTarget, headerEntries, optionsHeader } from './call-target.ts';
import { credentialsOf, isPinned } from './caller-ties.ts';
import { requestHeader, requestHeaders } from './message-head.ts';

/** What is done with a call once it has been judged: made directly, or relayed. */
export interface HttpCall {
  /** The request last made for it. */
  readonly sent: ClientRequest;
  hasContent(): boolean;
  replayable(): boolean;
  send(attempt: Attempt): void;
  hedgeable(): boolean;
  hedge(attempt: Attempt): void;
  cancel(attempt: Attempt, error: Error): void;
  fail(error: Error): void;
  respond(response: Substitute): void;
  release(): void;
  awaitsReader(): boolean;
  killBody(error: Error): void;
}

/** One call of `request`, as the engine sees it: judged before there is anything to see of it, then made. */
export class HttpExchange implements Exchange {
  readonly target: CallTarget;
  readonly site: CallSite;
  #request: ClientRequest | undefined = undefined;
  #call: HttpCall | undefined = undefined;
  #final: { readonly promise: Promise<void>; resolve(): void } | undefined = undefined;

  constructor(target: CallTarget, site: CallSite) {
    this.target = target;
    this.site = site;
  }

  /** The call has been made, and the caller is about to get its request. */
  attach(request: ClientRequest, call: HttpCall, hooks: RequestHooks): void {
    this.#request = request;
    this.#call = call;
    RequestBrand.put(request, hooks);
    // Given as an array, or with `Expect`, headers are rendered at once.
    if (request.headersSent) this.headFinal();
  }

  /** The head has been rendered, or the call has ended. */
  headFinal(): void {
    this.#final?.resolve();
  }

  whenFinal(): Promise<void> | undefined {
    if (this.#request?.headersSent) return undefined;
    if (this.#final === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((settle) => {
        // On a turn of its own, by which the app has also written what goes with the head.
        resolve = () => process.nextTick(settle);
      });
      this.#final = { promise, resolve };
    }
    return this.#final.promise;
  }

  get protocol(): string {
    return this.target.protocol;
  }
  get host(): string {
    return this.target.host;
  }
  get port(): number {
    return this.target.port;
  }
  get method(): string {
    return this.target.method;
  }
  get path(): string {
    return this.target.path;
  }

  header(name: string): string | undefined {
    return this.#request === undefined ? optionsHeader(this.target, name) : requestHeader(this.#request, name);
  }

  *headers(): IterableIterator<readonly [name: string, value: string]> {
    if (this.#request !== undefined) {
      yield* requestHeaders(this.#request);
      return;
    }
    let authorized = false;
    for (const [key, value] of headerEntries(this.target.options?.headers)) {
      const name = key.toLowerCase();
      authorized ||= name === 'authorization';
      for (const one of [value].flat()) if (one !== undefined) yield [name, String(one)];
    }
    const implied = authorized ? undefined : optionsHeader(this.target, 'authorization');
    if (implied !== undefined) yield ['authorization', implied];
  }

  credentials(): string | undefined {
    return credentialsOf(this.target, this.site.module.module);
  }

  pinned(): boolean {
    return isPinned(this.target, this.site.module.module);
  }

  hasContent(): boolean {
    return this.#call === undefined ? this.announcesContent() : this.#call.hasContent();
  }

  /** Whether it looks as if there will be content, while nothing has been written. */
  announcesContent(): boolean {
    const length = this.header('content-length');
    if (length !== undefined) return length.trim() !== '0';
    return this.header('transfer-encoding') !== undefined || !/^(?:GET|HEAD|DELETE|OPTIONS|TRACE)$/.test(this.method);
  }

  replayable(): boolean {
    if (this.method === 'CONNECT' || this.header('upgrade') !== undefined) return false;
    // Asked before the caller has its request, as when the circuit is open: nothing has been written that could be lost.
    return this.#call === undefined || this.#call.replayable();
  }

  sentHeader(name: string): string | undefined {
    return this.#call && requestHeader(this.#call.sent, name);
  }

  send(attempt: Attempt): void {
    this.#call?.send(attempt);
  }

  hedgeable(): boolean {
    return this.#call?.hedgeable() ?? false;
  }

  hedge(attempt: Attempt): void {
    this.#call?.hedge(attempt);
  }

  cancel(attempt: Attempt, error: Error): void {
    this.#call?.cancel(attempt, error);
  }

  fail(error: Error): void {
    this.#call?.fail(error);
  }

  respond(response: Substitute): void {
    this.#call?.respond(response);
  }

  release(): void {
    this.#call?.release();
  }

  awaitsReader(): boolean {
    return this.#call?.awaitsReader() ?? false;
  }

  killBody(error: Error): void {
    this.#call?.killBody(error);
  }
}
