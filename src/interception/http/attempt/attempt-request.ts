import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { CallOptions } from '../call/call-target.ts';
import { agentOf, agentProxy, connect } from '../node-internals/detached-request.ts';
import { internals } from '../node-internals/internals.ts';
import { leaveQueue, releaseSocket } from '../node-internals/release-socket.ts';
import { showHead } from '../node-internals/watched-heads.ts';
import type { PatchedModule } from '../patch/patched-module.ts';
import { RequestBrand, RequestHooks } from '../patch/request-hooks.ts';

/** Called when the request of an attempt has got what it waited for. */
export type SocketTaker = (from: AttemptRequest, socket: Socket | null | undefined, error?: Error | null) => void;

const ignore = (): void => {};

/**
 * A request of our own that goes, for an attempt, through the wrappers below us and to the agent: the tracers make
 * their span of it, with its own trace headers, and the agent opens or finds a socket for it. The socket then goes to
 * the caller's request, and what happens to that one is emitted on this one too, by its own `emit`, which some tracers
 * override.
 */
export class AttemptRequest extends RequestHooks {
  request: ClientRequest | undefined = undefined;
  readonly #take: SocketTaker;
  #making = true;
  #early: { socket: Socket | null | undefined; error: Error | null | undefined } | undefined = undefined;
  #withdrawn = false;

  constructor(take: SocketTaker) {
    super();
    this.#take = take;
  }

  open(module: PatchedModule, options: CallOptions): void {
    const agent = agentOf(options, module.module);
    const secure = module.protocol === 'https:';
    // Connecting happens inside the constructor, as it would natively: some agents look at the stack.
    const taker = agentProxy(agent, secure, (request, held) => this.#adopt(request, agent, held as CallOptions));
    module.inner([{ ...options, agent: taker }]);
    this.#making = false;
    if (this.request === undefined) throw new Error('the attempt was not made by http.ClientRequest');
    showHead(this.request);
    // Two listeners or more, so that no tracer takes it upon itself to read a response nobody wants.
    this.request.on('response', ignore);
    this.request.on('error', ignore);
    if (this.#early !== undefined) this.#take(this, this.#early.socket, this.#early.error);
  }

  #adopt(request: ClientRequest, agent: Agent | undefined, held: CallOptions): void {
    this.request = request;
    RequestBrand.put(request, this);
    connect(request, agent, held);
  }

  override socketGiven(socket: Socket | null | undefined, error: Error | null | undefined): boolean {
    if (this.#withdrawn) {
      if (socket) releaseSocket(socket, this.request);
    } else if (this.#making) {
      this.#early = { socket, error };
    } else {
      this.#take(this, socket, error);
    }
    return true;
  }

  /** The attempt is over before it had a socket: one that still comes is turned down. */
  withdraw(): void {
    this.#withdrawn = true;
    if (this.request !== undefined) leaveQueue(this.request);
  }

  /** Emits what has just happened to the caller's request. */
  mirror(caller: ClientRequest, type: string, value: unknown, second: unknown, third: unknown): void {
    const { request } = this;
    if (request === undefined) return;
    const state = internals(request);
    const mirrored = internals(caller);
    state.aborted = mirrored.aborted;
    if (type === 'response') state.res = mirrored.res;
    if (type === 'close') {
      state.destroyed = true;
      state._closed = true;
    }
    if (type === 'upgrade' || type === 'connect') request.emit(type, value, second, third);
    else request.emit(type, value);
  }
}
