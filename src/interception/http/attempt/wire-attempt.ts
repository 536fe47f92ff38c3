import type { AsyncResource } from 'node:async_hooks';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ExchangeListener } from '../../../engine/exchange.ts';
import type { Endpoint } from '../../../strategies/shared/contract.ts';
import type { CallSite } from '../call/call-site.ts';
import type { CallOptions, CallTarget } from '../call/call-target.ts';
import type { CallerRequest } from '../call/caller-request.ts';
import { drain } from '../call/held-outcome.ts';
import { bareRequest } from '../node-internals/exchange-transfer.ts';
import { internals } from '../node-internals/internals.ts';
import { endAttempt, releaseSocket } from '../node-internals/release-socket.ts';
import { emitPlain } from '../patch/prototype-patches.ts';
import { RequestBrand, type RequestHooks } from '../patch/request-hooks.ts';
import { AttemptListeners } from './attempt-listeners.ts';
import { planAttempt } from './attempt-options.ts';
import { AttemptRequest } from './attempt-request.ts';
import { CarrierHooks, LostCarrierHooks } from './carrier-hooks.ts';
import { HeadOverlay } from './request-head.ts';

/** What every attempt of one call is made from. */
export interface AttemptSource {
  readonly call: CallTarget;
  readonly site: CallSite;
  readonly options: CallOptions;
  /** The context of the caller. */
  readonly context: AsyncResource;
  readonly listener: ExchangeListener;
}

/**
 * One attempt: the socket it has got, and the tracers that look on. The first one may be the caller's own request;
 * any other has an AttemptRequest. Once it is over for the app, what is left of its exchange goes on as one of
 * `carrier`.
 */
export class WireAttempt {
  readonly #caller: CallerRequest;
  readonly #keeper: RequestHooks;
  #own: AttemptRequest | undefined = undefined;
  #tracers: AttemptListeners | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #carrier: ClientRequest | undefined = undefined;
  /** The number of the exchange that the carrier has. */
  #exchange = 0;
  /** Its tracers have been shown its response. */
  #answered = false;
  #over = false;

  /** `keeper`: says whether errors of a connection that is no longer the caller's are kept from the app. */
  constructor(caller: CallerRequest, keeper: RequestHooks) {
    this.#caller = caller;
    this.#keeper = keeper;
  }

  /** The attempt the caller's request is itself, as the wrappers below us have left it. */
  static ofCaller(caller: CallerRequest, keeper: RequestHooks, options: CallOptions): WireAttempt {
    const attempt = new WireAttempt(caller, keeper);
    attempt.#tracers = AttemptListeners.of(caller.request);
    caller.added.noteBeside(options.headers, caller.request);
    return attempt;
  }

  /** The head of the caller's request, which is the attempt, is about to be rendered. Answers what to do afterwards. */
  renderingHead(): () => void {
    const { request, added } = this.#caller;
    const before = AttemptListeners.of(request);
    const names = new Set(request.getHeaderNames());
    return () => {
      this.#tracers = (this.#tracers ?? AttemptListeners.NOBODY).withThoseSince(before, request);
      added.noteSince(names, request);
    };
  }

  /** The request that was made for this attempt. */
  get request(): ClientRequest {
    return this.#own?.request ?? this.#caller.request;
  }

  /** Known from the moment it is given; one given inside the constructor, from the next tick on. */
  get socket(): Socket | undefined {
    if (this.#carrier !== undefined) return internals(this.#carrier).socket ?? undefined;
    return this.#caller.request.socket ?? this.#socket;
  }

  /** Whether the caller's request was itself the attempt. */
  get isCallers(): boolean {
    return this.#own === undefined;
  }

  /** Whether it has a request of its own that has not got a socket. */
  get waits(): boolean {
    return this.#own !== undefined && this.socket === undefined;
  }

  /** The agent has a socket for the caller's own request. False: it comes too late. */
  accepts(socket: Socket | undefined): boolean {
    if (this.#over || this.#own !== undefined) return false;
    this.#socket = socket;
    return true;
  }

  /** Makes the attempt, at the given endpoint. Throws what the agent, or something below us, throws. */
  open(source: AttemptSource, { target }: Endpoint): void {
    const { site, context, listener } = source;
    const module = target === undefined ? site.module : site.modules[target.protocol];
    const place = { target, module: site.module.module };
    const plan = planAttempt(source.call, source.options, this.#caller, place);
    const own = new AttemptRequest((from, socket, error) => {
      if (this.#over) {
        if (socket) releaseSocket(socket, from.request);
        return;
      }
      this.#socket = socket ?? undefined;
      const attempt = from.request as ClientRequest;
      const overlay = new HeadOverlay(attempt, plan.headers, plan.withheld, plan.origin);
      // What Node reads from the connection, it reports in the context it was put to use in.
      context.runInAsyncScope(() => this.#caller.connect(attempt, overlay, socket, error));
    });
    this.#own = own;
    let failure: { readonly error: unknown } | undefined;
    context.runInAsyncScope(() => {
      listener.withAttemptContext(() => {
        try {
          own.open(module, plan.options);
        } catch (error) {
          failure = { error };
        }
      });
    });
    if (failure !== undefined) throw failure.error;
  }

  /** Ends it with `error`, as a failing connection would. */
  cancel(error: Error): void {
    const { socket } = this;
    if (socket === undefined) this.withdraw();
    endAttempt(this.#caller.request, this.request, socket, error);
  }

  /** A socket that still comes for it is turned down. */
  withdraw(): void {
    this.#over = true;
    this.#own?.withdraw();
  }

  /** Shows the tracers of a further attempt what happens to the caller's request; those of a first are there themselves. */
  mirror(type: string, value: unknown, second?: unknown, third?: unknown): void {
    if (type === 'response' && this.#answered) return;
    this.#own?.mirror(this.#caller.request, type, value, second, third);
  }

  /** It failed, whatever becomes of that: its tracers hear of it now, and the caller's request is free. */
  fail(error: Error): void {
    this.mirror('error', error);
    this.#tracers?.tell('error', error, this.#caller.request);
    this.detach();
  }

  /** Moves what is left of the exchange off the caller's request, and its tracers with it. */
  detach(): ClientRequest {
    if (this.#carrier !== undefined) return this.#carrier;
    this.#over = true;
    const carrier = this.#own?.request ?? bareRequest();
    const { socket } = this;
    this.#tracers?.moveTo(carrier, this.#caller.request, (...event) => this.#caller.divert(...event));
    this.#exchange = this.#caller.leaveExchange(carrier, socket);
    this.#carrier = carrier;
    if (socket !== undefined) RequestBrand.put(carrier, new CarrierHooks(this.#keeper, this.request));
    return carrier;
  }

  /** Leaves the caller's request to another attempt, and goes on by itself. `hooks`: told of what comes of it. */
  stepAside(hooks: (keeper: RequestHooks, request: ClientRequest) => RequestHooks): void {
    const carrier = this.detach();
    RequestBrand.put(carrier, hooks(this.#keeper, this.request));
    // Two listeners or more, so that no tracer takes it upon itself to read the response.
    if (this.#own === undefined) for (let i = 0; i < 2; i++) carrier.on('response', () => {});
  }

  /** Shows its tracers the response that it has got by itself. One that overrides `emit` has seen it come. */
  showResponse(response: IncomingMessage): void {
    if (this.#answered || this.#carrier === undefined) return;
    this.#answered = true;
    emitPlain(this.#carrier, 'response', response);
  }

  /** The caller's request takes back what has gone on by itself: whatever follows is the app's to see. */
  resume(): void {
    const carrier = this.#carrier;
    if (carrier === undefined) return;
    this.#caller.resumeExchange(carrier, this.#exchange);
    this.#carrier = undefined;
    this.#tracers?.moveBack(carrier, this.#caller.request);
  }

  /** Nobody wants it any more: its connection is closed, or given back before it was used, and its tracers hear of that. */
  abandon(reason: Error): void {
    const { socket } = this;
    if (socket === undefined) {
      this.withdraw();
      const { request } = this;
      if (this.#own !== undefined && request !== this.#caller.request) request.emit('error', reason);
      this.close();
      return;
    }
    this.lose();
    socket.destroy(reason);
  }

  /** Others go on: nothing that still happens to its connection is for the app. */
  lose(): void {
    RequestBrand.put(this.detach(), new LostCarrierHooks(this.#keeper, this.request));
  }

  /** The app gets the outcome after all, and whatever follows. Answers whether the connection is closed already. */
  reattach(): boolean {
    const carrier = this.#carrier;
    if (carrier === undefined) return false;
    const closed = internals(carrier)._closed;
    // One that goes on by itself has its response shown, and is open.
    if (this.#answered && !closed) {
      this.resume();
      return false;
    }
    this.close();
    this.#caller.resumeExchange(carrier, this.#exchange);
    this.#carrier = undefined;
    return closed;
  }

  /** The attempt's 'close' has come, or is of no more interest. */
  close(): void {
    const carrier = this.detach();
    const state = internals(carrier);
    if (state._closed) return;
    state.destroyed = true;
    state._closed = true;
    carrier.emit('close');
  }

  /**
   * Nobody will see its response: its tracers do, and it is read within bounds, so that its connection is used again.
   * `wanted`: unless the app has left, and so has no more use for that.
   */
  discard(response: IncomingMessage, closed: boolean, wanted: boolean): void {
    const carrier = this.detach();
    // An `emit` of the caller's request has told its owner already.
    if (!this.#answered && this.#own === undefined) emitPlain(carrier, 'response', response);
    else if (!this.#answered) carrier.emit('response', response);
    // The rest of an upload has nobody left to write it.
    drain(response, wanted && !closed && carrier.writableFinished);
    if (closed) this.close();
  }
}
