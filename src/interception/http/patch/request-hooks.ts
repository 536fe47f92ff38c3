import type { AsyncResource } from 'node:async_hooks';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WriteCallback } from '../node-internals/internals.ts';

/**
 * What the prototype patches (prototype-patches.ts) report of one request. `undefined` lets Node go on as always;
 * anything else is the answer in Node's place.
 */
export abstract class RequestHooks {
  /** An event is about to be emitted on the request. */
  requestEvent(_type: unknown, _value: unknown, _second: unknown, _third: unknown): boolean | undefined {
    return undefined;
  }

  /** The context in which an event is to be emitted; undefined: the one there is. */
  emissionContext(): AsyncResource | undefined {
    return undefined;
  }

  /** `end`, `aborted`, `error` or `close` is about to be emitted on the request's response. */
  responseEvent(_response: IncomingMessage, _type: string, _value: unknown): boolean | undefined {
    return undefined;
  }

  /** Somebody destroys the request; true when Node is not to. */
  destroying(_error: Error | undefined): boolean {
    return false;
  }

  /** The agent has a socket for the request, or an error instead; true when Node is not to use it. */
  socketGiven(_socket: Socket | null | undefined, _error: Error | null | undefined): boolean {
    return false;
  }

  /** Whether `error`, of the request's socket, is kept from the app. If so, `tell` tells it should it get the error. */
  keepsSocketError(_error: Error, _tell: () => void): boolean {
    return false;
  }

  /** Bytes of the request are about to be written; the answer is the callback to write them with. */
  writing(
    _data: string | Uint8Array,
    _encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    return callback;
  }

  /** What the request collected while it was corked is about to be written; true when Node is not to do it. */
  uncorking(): boolean {
    return false;
  }

  /** The request that was made for the attempt which `request` is carrying; undefined: it carries none. */
  attemptOf(request: ClientRequest): ClientRequest | undefined {
    return request;
  }

  /** The head is about to be rendered; an answer is called when it has been. */
  headRendering(): (() => void) | undefined {
    return undefined;
  }

  /** The head has just been rendered. */
  headRendered(): void {}
}

/** A constructor that returns what it is given, so that a subclass puts its private field on that object. */
class Returned {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is how a private field gets onto a foreign object
    return object;
  }
}

/**
 * Ties hooks to a request by a private field: invisible from outside, unlike a symbol, and cheaper to read on every
 * event than a WeakMap.
 */
export class RequestBrand extends Returned {
  #hooks: RequestHooks;

  private constructor(request: ClientRequest, hooks: RequestHooks) {
    super(request);
    this.#hooks = hooks;
  }

  static put(request: ClientRequest, hooks: RequestHooks): void {
    if (#hooks in request) (request as unknown as RequestBrand).#hooks = hooks;
    else new RequestBrand(request, hooks);
  }

  static of(request: object): RequestHooks | undefined {
    return #hooks in request ? (request as RequestBrand).#hooks : undefined;
  }
}
