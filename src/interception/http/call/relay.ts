import type { AsyncResource } from 'node:async_hooks';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Attempt, ExchangeListener } from '../../../engine/exchange.ts';
import { lostRace } from '../../lost-race.ts';
import type { WireAttempt } from '../attempt/wire-attempt.ts';
import { canRepeat } from '../node-internals/self-test.ts';
import type { CallOptions } from './call-target.ts';
import { CallerRequest } from './caller-request.ts';
import { prepareDelivery } from './delivery.ts';
import { HeldError, type HeldOutcome, type HeldResponse } from './held-outcome.ts';
import type { HttpExchange } from './http-exchange.ts';
import { type Race, Rival } from './race.ts';

/**
 * Where a call is, and what may come of it:
 *
 *   idle       no attempt, no socket            send → running · respond, fail, destroy → ended
 *   running    an attempt is in flight          response → held, delivered · error → held, ended · upgrade, destroy → ended
 *   held       an outcome the app has not seen  send → running · release → delivered, ended · respond, fail, destroy → ended
 *   delivered  the app has the response         end of the body, its death, destroy → ended
 *   ended      nothing more to tell the engine
 */
export type State =
  | { readonly name: 'idle' }
  | { readonly name: 'running' }
  | { readonly name: 'held'; readonly outcome: HeldOutcome }
  | { readonly name: 'delivered'; readonly response: IncomingMessage }
  | { readonly name: 'ended' };

export const IDLE: State = { name: 'idle' };
export const RUNNING: State = { name: 'running' };
export const ENDED: State = { name: 'ended' };

/** What the call was made with, and where. */
export interface CallOrigin {
  readonly options: CallOptions;
  /** The context of the caller. */
  readonly context: AsyncResource;
}

/** What is known of a relayed call, and the steps that both the engine and the wire bring about. */
export class Relay implements Race {
  readonly exchange: HttpExchange;
  readonly listener: ExchangeListener;
  readonly options: CallOptions;
  readonly context: AsyncResource;
  readonly caller: CallerRequest;
  state: State = IDLE;
  current: Attempt | undefined;
  attempt: WireAttempt | undefined = undefined;
  bodyError: Error | undefined = undefined;
  /** Inside the emission of 'response': releasing what is held means letting it go on; all else waits until it is over. */
  emitting = false;
  /** The current attempt had a response. */
  answered = false;
  /** Attempts in flight besides the current one; undefined but for a call that is hedged just now. */
  rivals: Rival[] | undefined = undefined;

  /** `first`: the attempt that `request` is itself; undefined: the call waits. */
  constructor(
    exchange: HttpExchange,
    listener: ExchangeListener,
    origin: CallOrigin,
    request: ClientRequest,
    first: Attempt | undefined,
  ) {
    this.exchange = exchange;
    this.listener = listener;
    this.options = origin.options;
    this.context = origin.context;
    this.current = first;
    const { maxReplayBytes } = exchange.site;
    this.caller = new CallerRequest(request, maxReplayBytes, first !== undefined, () => this.mayStillChange());
  }

  canRestart(): boolean {
    return canRepeat(this.caller.request, this.exchange.site.report);
  }

  mayStillChange(): boolean {
    const { name } = this.state;
    return name !== 'delivered' && name !== 'ended';
  }

  isDelivered(): boolean {
    return this.state.name === 'delivered';
  }

  /** `otherwise`: a fault of ours; but a request that never came to an end would be worse than one that fails. */
  proceed(otherwise: (error: Error) => void): void {
    try {
      this.listener.proceed();
    } catch (error) {
      this.exchange.site.report(error);
      otherwise(error as Error);
    }
  }

  /** The attempt on the caller's request goes on by itself, so that another one can be sent. */
  race(release: () => void): void {
    const { current, attempt } = this;
    if (current === undefined || attempt === undefined) return;
    this.rivals ??= [];
    this.rivals.push(new Rival(this, { attempt: current, wire: attempt }, release));
    this.current = undefined;
    this.attempt = undefined;
  }

  leaveRace(rival: Rival): void {
    const left = this.rivals?.filter((other) => other !== rival) ?? [];
    this.rivals = left.length === 0 ? undefined : left;
  }

  winRace(rival: Rival): void {
    this.leaveRace(rival);
    this.endRace();
    this.attempt?.abandon(lostRace());
    this.attempt = rival.wire;
    this.current = rival.attempt;
  }

  /** The current attempt is what becomes of the call, or the call is over: the others end in silence. */
  endRace(): void {
    const { rivals } = this;
    this.rivals = undefined;
    for (const rival of rivals ?? []) rival.abandon();
  }

  failWith(error: Error): void {
    this.state = ENDED;
    this.caller.body.settle(error);
    // Not from inside the socket's own event.
    process.nextTick(() => this.caller.end(error));
  }

  holdOf(attempt: WireAttempt | undefined, outcome: HeldOutcome, next: () => void): void {
    const state: State = { name: 'held', outcome };
    this.attempt = attempt;
    this.state = state;
    process.nextTick(() => {
      if (this.state === state) next();
    });
  }

  /** The current attempt is out, and others go on: its response is kept from the app until its connection can be moved. */
  dropOut(attempt: WireAttempt, held: HeldResponse): void {
    const state: State = { name: 'held', outcome: held };
    this.current = undefined;
    this.state = state;
    process.nextTick(() => {
      held.unwatch();
      attempt.discard(held.response, held.closed, true);
      attempt.lose();
      if (this.attempt === attempt) this.attempt = undefined;
      if (this.state === state) this.state = RUNNING;
    });
  }

  deliver(response: IncomingMessage, early: readonly Buffer[]): void {
    if (this.rivals !== undefined) this.endRace();
    this.state = { name: 'delivered', response };
    prepareDelivery(this.listener, response, early);
    this.caller.body.settle();
  }

  /** The attempt failed, and the app is not to see it yet. `release`: should we be at fault. */
  holdError(error: Error, release: () => void): void {
    const { request } = this.caller;
    const closes = this.attempt?.socket !== undefined || request.destroyed;
    const state: State = { name: 'held', outcome: new HeldError(error, request.destroyed, closes) };
    this.state = state;
    if (this.canRestart()) this.attempt?.fail(error);
    process.nextTick(() => {
      if (this.state === state) this.proceed(release);
    });
  }

  leave(): void {
    this.end((listener) => listener.onAbort());
  }

  end(report: (listener: ExchangeListener) => void): void {
    this.state = ENDED;
    if (this.rivals !== undefined) this.endRace();
    this.exchange.headFinal();
    report(this.listener);
  }
}
