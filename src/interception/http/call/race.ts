import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Attempt, ExchangeListener } from '../../../engine/exchange.ts';
import { lostRace } from '../../lost-race.ts';
import { CarrierHooks } from '../attempt/carrier-hooks.ts';
import type { WireAttempt } from '../attempt/wire-attempt.ts';
import { responseInternals } from '../node-internals/internals.ts';
import type { RequestHooks } from '../patch/request-hooks.ts';
import { drain, HeldError, type HeldOutcome, HeldResponse } from './held-outcome.ts';
import { MessageHead } from './message-head.ts';

/** The call whose attempts are in flight at the same time. */
export interface Race {
  readonly listener: ExchangeListener;
  /** One of several has failed: it is out, and the others go on. */
  leaveRace(rival: Rival): void;
  /** This one is what becomes of the call: the others end in silence, and it takes the place of the current attempt. */
  winRace(rival: Rival): void;
  /**
   * An outcome is held that came while the caller's request had no part in it, and `next` is done about it: not before
   * Node's parser is through with what it has read, for it would look for the request that an exchange has left.
   */
  holdOf(attempt: WireAttempt | undefined, outcome: HeldOutcome, next: () => void): void;
  /** Carries out what the engine has decided; `release`: should we be at fault. */
  proceed(release: () => void): void;
  /** The app sees the call fail. */
  failWith(error: Error): void;
}

/** An attempt that goes on without the caller's request, which another one has got. */
export class Rival {
  readonly attempt: Attempt;
  readonly wire: WireAttempt;
  readonly #race: Race;
  readonly #release: () => void;
  /** Nothing it does is of interest any more, or it is no rival any more. */
  #over = false;
  #held: HeldResponse | undefined = undefined;

  /** `release`: gives the app what is held, should we be at fault. */
  constructor(race: Race, current: { readonly attempt: Attempt; readonly wire: WireAttempt }, release: () => void) {
    this.attempt = current.attempt;
    this.wire = current.wire;
    this.#race = race;
    this.#release = release;
    this.wire.stepAside((keeper, request) => new RivalHooks(this, keeper, request));
  }

  /** Ends it with `error`, which it then reports. */
  cancel(error: Error): void {
    this.wire.socket?.destroy(error);
  }

  /** Ends it in silence. */
  abandon(): void {
    this.#over = true;
    this.wire.abandon(lostRace());
  }

  /** Its response has come. True: the event is not for those who listen on what carries it, or they have had it. */
  answered(response: IncomingMessage, carrier: ClientRequest): boolean {
    if (this.#over) return false;
    const race = this.#race;
    const disposition = race.listener.onHead(this.attempt, new MessageHead(response));
    this.#over = true;
    this.wire.showResponse(response);
    if (disposition === 'discard') {
      race.leaveRace(this);
      drain(response, carrier.writableFinished);
      return true;
    }
    const held = new HeldResponse(response);
    this.#held = held;
    held.keepChunks();
    race.winRace(this);
    race.holdOf(this.wire, held, disposition === 'hold' ? () => race.proceed(this.#release) : this.#release);
    return true;
  }

  failed(error: Error): void {
    if (this.#over) {
      if (this.#held !== undefined) this.#held.error ??= error;
      return;
    }
    const race = this.#race;
    const disposition = race.listener.onError(this.attempt, error);
    this.#over = true;
    if (disposition === 'discard') {
      this.wire.lose();
      return race.leaveRace(this);
    }
    race.winRace(this);
    // The connection is gone with it: to the app it will look like one that could not be made.
    if (disposition === 'deliver') return race.failWith(error);
    race.holdOf(undefined, new HeldError(error, false, false), () => race.proceed(this.#release));
  }

  closed(): void {
    if (this.#held !== undefined) this.#held.closed = true;
  }
}

/** On what carries a rival. */
class RivalHooks extends CarrierHooks {
  readonly #rival: Rival;
  readonly #request: ClientRequest;

  constructor(rival: Rival, keeper: RequestHooks, request: ClientRequest) {
    super(keeper, request);
    this.#rival = rival;
    this.#request = request;
  }

  override requestEvent(type: unknown, value: unknown): boolean | undefined {
    if (type === 'response') {
      const response = value as IncomingMessage;
      return this.#rival.answered(response, responseInternals(response).req ?? this.#request) ? true : undefined;
    }
    if (type === 'error') this.#rival.failed(value as Error);
    if (type === 'close') this.#rival.closed();
    return undefined;
  }
}
