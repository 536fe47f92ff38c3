import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { AddedFields } from '../attempt/added-fields.ts';
import { type HeadOverlay, replaceHead } from '../attempt/request-head.ts';
import { transferExchange, transferWire } from '../node-internals/exchange-transfer.ts';
import { internals, markWritten, type RequestInternals } from '../node-internals/internals.ts';
import { requeue, resetForResend } from '../node-internals/reset-for-resend.ts';
import { destroyPlain, giveSocket, uncorkPlain } from '../patch/prototype-patches.ts';
import { RequestBody } from './request-body.ts';
import { guardErrorListeners } from './socket-guard.ts';

/**
 * The request in the caller's hands, as something that can be sent more than once: what it wrote is on record, the head
 * of each attempt is laid over its own, and what the app must not see twice is known.
 */
export class CallerRequest {
  readonly request: ClientRequest;
  readonly body: RequestBody;
  readonly added = new AddedFields();
  readonly #state: RequestInternals;
  readonly #keepAlive: boolean;
  #head: string | null = null;
  #overlay: HeadOverlay | undefined = undefined;
  #timeout: { readonly ms: number; readonly callback: (() => void) | null } | undefined = undefined;
  /** An attempt has had a connection: what lies ready to be written is no longer all there is. */
  #connected: boolean;
  /** More than one attempt has had one. */
  #resent = false;
  #prefinishSeen = false;
  #finishSeen = false;
  #continueSeen = false;
  #diverted: { readonly to: ClientRequest; readonly type: unknown; readonly value: unknown } | undefined = undefined;

  /** `connects`: it is itself the first attempt. `defers`: whether what befalls it is kept from the app for now. */
  constructor(request: ClientRequest, maxReplayBytes: number, connects: boolean, defers: () => boolean) {
    this.request = request;
    this.#connected = connects;
    this.#state = internals(request);
    this.body = new RequestBody(request, maxReplayBytes, defers);
    this.#keepAlive = this.#state.shouldKeepAlive;
  }

  /** Whether a further attempt would send exactly what the app wrote. Without a connection yet, Node's queue has it all. */
  get repeatable(): boolean {
    return this.body.repeatable || !this.#connected;
  }

  /** Node 26 drops what was collected if the connection is gone by now; another attempt will want it. */
  uncorking(): boolean {
    const { socket, destroyed } = this.#state;
    if (destroyed || !socket?.destroyed) return false;
    this.#state.socket = null;
    uncorkPlain(this.request);
    this.#state.socket = socket;
    return true;
  }

  /** Runs `action`, which emits on `to` what it may emit on this request instead: that event is `to`'s. */
  divert(to: ClientRequest, args: readonly unknown[], action: () => boolean): boolean {
    const before = this.#diverted;
    this.#diverted = { to, type: args[0], value: args[1] };
    try {
      return action();
    } finally {
      this.#diverted = before;
    }
  }

  /** Whose event it is that is emitted on the request, if not its own. Only once. */
  divertedTo(type: unknown, value: unknown): ClientRequest | undefined {
    const diverted = this.#diverted;
    if (diverted === undefined || diverted.type !== type || diverted.value !== value) return undefined;
    this.#diverted = undefined;
    return diverted.to;
  }

  headRendered(): void {
    this.#head = this.#state._header;
    if (this.#overlay !== undefined && this.#head !== null) this.#state._header = this.#overlay.apply(this.#head);
  }

  /** Whether the app is not to see this: it has, of an earlier attempt. */
  hides(type: 'prefinish' | 'finish' | 'continue'): boolean {
    if (type === 'continue') {
      // One that comes for a body that is under way would have the app write it twice.
      const hidden = this.#resent && (this.#continueSeen || this.body.begun);
      this.#continueSeen = true;
      return hidden;
    }
    const hidden = type === 'finish' ? this.#finishSeen : this.#prefinishSeen;
    if (type === 'finish') this.#finishSeen = true;
    else this.#prefinishSeen = true;
    if (hidden && type === 'finish') this.#releaseWritten();
    return hidden;
  }

  /** Node's own part in 'finish': a connection whose response came first is free from now on. */
  #releaseWritten(): void {
    for (const listener of this.request.listeners('finish')) {
      if (listener.name === 'requestOnFinish') Reflect.apply(listener, this.request, []);
    }
  }

  /**
   * Leaves its exchange to `to`, and waits for a socket: Node queues what the app writes from here on. `socket`: of the
   * exchange, where the request has not been told yet. Answers the number of the exchange.
   */
  leaveExchange(to: ClientRequest, socket: Socket | undefined): number {
    const current = this.#state.socket ?? socket;
    if (current?.timeout) this.#timeout = { ms: current.timeout, callback: this.#state.timeoutCb };
    if (this.#overlay === undefined) this.#head ??= this.#state._header;
    this.#overlay = undefined;
    const exchange = this.body.leaveExchange();
    transferExchange(this.request, to, socket);
    resetForResend(this.request, this.#keepAlive);
    this.requeue();
    return exchange;
  }

  /** Takes back the exchange that was left to `from`: the app gets its outcome after all. */
  resumeExchange(from: ClientRequest, exchange: number): void {
    this.body.resumeExchange(exchange);
    markWritten(this.request, from.writableFinished);
    transferWire(from, this.request, undefined);
    this.#state.outputData = [];
    this.#state.outputSize = 0;
  }

  /** Node has just taken it for closed, along with a connection it has left. */
  stayOpen(): void {
    this.#state.destroyed = false;
    this.#state._closed = false;
  }

  /** Has all of it lie ready again. Also before it is sent: a connection that ends takes with it what is queued. */
  requeue(): void {
    if (!this.#connected) return;
    const head = this.#state._header === null ? null : (this.#head ?? this.#state._header);
    requeue(this.request, { head, headSent: this.body.headWritten, body: this.body.replay() });
  }

  /** Sends the request on the socket that `attempt` was given, under that one's head. */
  connect(attempt: ClientRequest, overlay: HeadOverlay, socket: Socket | null | undefined, error?: Error | null): void {
    const state = this.#state;
    state.reusedSocket = internals(attempt).reusedSocket;
    state.agent = internals(attempt).agent;
    if (socket) {
      this.#resent = this.#connected;
      this.#connected = true;
    }
    this.#overlay = overlay;
    if (state._header !== null) {
      this.#head ??= state._header;
      replaceHead(this.request, overlay.apply(this.#head));
    }
    giveSocket(this.request, socket, error);
  }

  /** The app and Node have seen the socket: the time limit the app set on the last one is renewed. */
  socketSeen(socket: Socket): void {
    guardErrorListeners(socket);
    const timeout = this.#timeout;
    if (timeout === undefined) return;
    const { callback, ms } = timeout;
    if (callback !== null && !socket.listeners('timeout').includes(callback)) socket.once('timeout', callback);
    if (!socket.timeout) socket.setTimeout(ms);
  }

  /** Ends the request, which has no socket, with an error; without one, as Node does when an app destroys a request. */
  end(error: Error | undefined): void {
    destroyPlain(this.request, error);
    giveSocket(this.request, undefined);
  }
}
