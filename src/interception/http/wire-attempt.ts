import type { AsyncResource } from 'node:async_hooks';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { ExchangeListener } from '../../engine/exchange.ts';
import type { Endpoint } from '../../strategies/shared/contract.ts';
import { AttemptListeners } from './attempt-listeners.ts';
import { planAttempt } from './attempt-options.ts';
import { Shadow } from './attempt-request.ts';
import type { CallOptions, CallTarget } from './call-target.ts';
import type { CallerRequest } from './caller-request.ts';
import type { CallSite } from './http-exchange.ts';
import { HeadOverlay } from './request-head.ts';
import { endAttempt, giveBack } from './withdraw.ts';

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
 * any other has a Shadow.
 */
export class WireAttempt {
  readonly #caller: CallerRequest;
  #shadow: Shadow | undefined = undefined;
  #tracers: AttemptListeners | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #over = false;

  constructor(caller: CallerRequest) {
    this.#caller = caller;
  }

  /** The attempt the caller's request is itself, as the wrappers below us have left it. */
  static own(caller: CallerRequest): WireAttempt {
    const attempt = new WireAttempt(caller);
    attempt.#tracers = AttemptListeners.of(caller.request);
    return attempt;
  }

  get shadowed(): boolean {
    return this.#shadow !== undefined;
  }

  /** The request that was made for this attempt. */
  get request(): ClientRequest | undefined {
    return this.#shadow?.request ?? this.#caller.request;
  }

  /** Known from the moment it is given; one given inside the constructor, from the next tick on. */
  get socket(): Socket | undefined {
    return this.#caller.request.socket ?? this.#socket;
  }

  /** The agent has a socket for the caller's own request. False: it comes too late. */
  accepts(socket: Socket | undefined): boolean {
    if (this.#over || this.#shadow !== undefined) return false;
    this.#socket = socket;
    return true;
  }

  /** Makes the attempt, at the given endpoint. Throws what the agent, or something below us, throws. */
  open(source: AttemptSource, { target }: Endpoint): void {
    const { site, context, listener } = source;
    const plan = planAttempt(source.call, source.options, this.#caller.request, target);
    const module = target === undefined ? site.module : site.modules[target.protocol];
    const shadow = new Shadow((from, socket, error) => {
      if (this.#over) {
        if (socket) giveBack(socket, from.request);
        return;
      }
      this.#socket = socket ?? undefined;
      const attempt = from.request as ClientRequest;
      this.#caller.connect(attempt, new HeadOverlay(attempt, plan.headers, plan.withheld), socket, error);
    });
    this.#shadow = shadow;
    let failure: { readonly error: unknown } | undefined;
    context.runInAsyncScope(() => {
      listener.withAttemptContext(() => {
        try {
          shadow.open(module, plan.options);
        } catch (error) {
          failure = { error };
        }
      });
    });
    if (failure !== undefined) throw failure.error;
  }

  /** Ends it with `error`, as a failing connection would. */
  cancel(error: Error): void {
    const { request } = this.#caller;
    const { socket } = this;
    if (socket === undefined) this.withdraw();
    endAttempt(request, this.#shadow?.request ?? request, socket, error);
  }

  /** A socket that still comes for it is turned down. */
  withdraw(): void {
    this.#over = true;
    this.#shadow?.withdraw();
  }

  /** Tells the tracers of a shadow what is happening to the caller's request; others are there themselves. */
  mirror(type: string, value: unknown): void {
    this.#shadow?.tell(type, value, this.#caller.request);
  }

  /** Tells the tracers of what the app does not hear, or not yet. */
  tell(type: string, value: unknown): void {
    this.mirror(type, value);
    this.#tracers?.tell(type, value, this.#caller.request);
  }

  /** The attempt is over in every respect. */
  drop(): void {
    this.#over = true;
    this.tell('close', undefined);
    this.#tracers?.drop(this.#caller.request);
    this.#shadow?.drop();
  }
}
