import type { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { WireAttempt } from '../attempt/wire-attempt.ts';
import { internals, isUpgrade } from '../node-internals/internals.ts';
import { releaseSocket } from '../node-internals/release-socket.ts';
import { emitPatched } from '../patch/prototype-patches.ts';
import { type HeldOutcome, HeldResponse } from './held-outcome.ts';
import { MessageHead } from './message-head.ts';
import { ENDED, type Relay } from './relay.ts';
import { diedUpstream, isMisuse, isOwnSocketError } from './request-error.ts';
import { WriteHooks } from './write-hooks.ts';

/** What happens to a relayed call on the wire, and what the app does with its request. */
export class RelayHooks extends WriteHooks {
  readonly #relay: Relay;
  /** Gives the app what is held. */
  readonly #release: () => void;

  constructor(relay: Relay, release: () => void) {
    super(relay);
    this.#relay = relay;
    this.#release = release;
  }

  override requestEvent(type: unknown, value: unknown, second: unknown, third: unknown): boolean | undefined {
    const other = this.#relay.caller.divertedTo(type, value);
    if (other !== undefined) return emitPatched(other, type, value, second, third);
    const answer = this.#react(type, value);
    if (answer === undefined && typeof type === 'string') this.#relay.attempt?.mirror(type, value, second, third);
    return answer;
  }

  /** What further attempts and substitutes bring about happens in contexts of theirs; the app's listeners find their own. */
  override emissionContext(): AsyncResource | undefined {
    return this.#relay.attempt?.isCallers === true ? undefined : this.#relay.context;
  }

  #react(type: unknown, value: unknown): boolean | undefined {
    switch (type) {
      case 'response':
        return this.#onResponse(value as IncomingMessage);
      case 'error':
        return this.#onError(value as Error);
      case 'close':
        return this.#onClose();
      case 'upgrade':
      case 'connect':
        return this.#onUpgrade(value as IncomingMessage);
      case 'socket':
        // When the app's own listeners are on it.
        process.nextTick(() => this.#relay.caller.socketSeen(value as Socket));
        return undefined;
      case 'prefinish':
      case 'finish':
      case 'continue':
        return this.#relay.caller.hides(type) ? false : undefined;
      default:
        return undefined;
    }
  }

  #onResponse(response: IncomingMessage): boolean | undefined {
    if (this.#relay.state.name !== 'running' || this.#relay.current === undefined) return undefined;
    this.#relay.answered = true;
    const disposition = this.#relay.listener.onHead(this.#relay.current, new MessageHead(response));
    if (disposition === 'deliver') {
      this.#relay.deliver(response, []);
      return undefined;
    }
    const held = new HeldResponse(response);
    if (disposition === 'discard' && this.#relay.attempt !== undefined) {
      this.#relay.dropOut(this.#relay.attempt, held);
      return true;
    }
    this.#relay.state = { name: 'held', outcome: held };
    this.#relay.emitting = true;
    try {
      this.#relay.listener.proceed();
    } catch (error) {
      // The patch reports it, and lets the event go on to the app.
      this.#relay.state = ENDED;
      throw error;
    } finally {
      this.#relay.emitting = false;
    }
    if (this.#relay.isDelivered()) return undefined;
    held.keepChunks();
    return true;
  }

  #onError(error: Error): boolean | undefined {
    const state = this.#relay.state;
    switch (state.name) {
      case 'delivered':
        if (state.response.errored !== error) this.#relay.bodyError ??= error;
        return undefined;
      case 'held':
        if (state.outcome.kind === 'response') state.outcome.error ??= error;
        return true;
      case 'running':
        return this.#attemptFailed(error);
      default:
        return undefined;
    }
  }

  #attemptFailed(error: Error): boolean | undefined {
    if (isMisuse(error) || this.#relay.current === undefined) return undefined;
    const disposition = this.#relay.listener.onError(this.#relay.current, error);
    if (disposition === 'hold') {
      this.#relay.holdError(error, this.#release);
      return true;
    }
    if (disposition === 'discard') {
      const connected = this.#relay.attempt?.socket !== undefined;
      return this.#dropsOut((attempt) => {
        attempt.fail(error);
        // No connection that would say so.
        if (!connected) attempt.close();
      });
    }
    this.#relay.endRace();
    this.#relay.state = ENDED;
    this.#relay.caller.body.settle();
    return undefined;
  }

  /** The current attempt is out, and others go on: the caller's request has no part in any for now. */
  #dropsOut(end: (attempt: WireAttempt) => void): true {
    const { attempt } = this.#relay;
    this.#relay.attempt = undefined;
    this.#relay.current = undefined;
    if (attempt !== undefined) {
      end(attempt);
      attempt.lose();
    }
    return true;
  }

  #onClose(): boolean | undefined {
    const state = this.#relay.state;
    switch (state.name) {
      case 'held':
        this.#closedWhileHeld(state.outcome);
        return true;
      case 'delivered':
        this.#bodyClosed(state.response);
        return undefined;
      case 'running':
        this.#closedUnanswered();
        return undefined;
      default:
        return undefined;
    }
  }

  /** What the app writes from here on Node would refuse: the request is taken off the connection that died. */
  #closedWhileHeld(outcome: HeldOutcome): void {
    outcome.closed = true;
    if (!this.#relay.canRestart()) return;
    if (outcome.kind === 'response') this.#relay.attempt?.detach();
    else this.#relay.attempt?.close();
    this.#relay.caller.stayOpen();
  }

  #bodyClosed(response: IncomingMessage): void {
    if (response.complete) return this.#relay.end((listener) => listener.onBodyEnd());
    const error = this.#relay.bodyError;
    if (error === undefined && !diedUpstream(response)) return this.#relay.leave();
    this.#relay.end((listener) => listener.onBodyError(error ?? response.errored ?? undefined));
  }

  /** An upgrade that was granted without anybody listening for it, or misuse, was the end of it. */
  #closedUnanswered(): void {
    const { res } = internals(this.#relay.caller.request);
    if (res !== null && isUpgrade(res)) this.#onUpgrade(res);
    else this.#relay.leave();
  }

  #onUpgrade(response: IncomingMessage): undefined {
    const current = this.#relay.current;
    if (this.#relay.state.name !== 'running' || current === undefined) return;
    this.#relay.end((listener) => listener.onUpgrade(current, response.statusCode ?? 0));
  }

  override responseEvent(response: IncomingMessage, type: string, value: unknown): boolean | undefined {
    const state = this.#relay.state;
    if (state.name === 'held' && state.outcome.kind === 'response' && response === state.outcome.response) {
      state.outcome.keepEvent(type, value);
      return true;
    }
    if (type === 'end' && state.name === 'delivered' && response === state.response) {
      this.#relay.end((listener) => listener.onBodyEnd());
    }
    return undefined;
  }

  override destroying(error: Error | undefined): boolean {
    const { request } = this.#relay.caller;
    const state = this.#relay.state;
    switch (state.name) {
      case 'idle':
        return this.#giveUp(error);
      case 'running':
        return request.destroyed ? false : this.#leavesAttempt(error);
      case 'held':
        return this.#leavesHeld(state.outcome, error);
      case 'delivered':
        if (request.destroyed) return false;
        if (state.response.complete) this.#relay.end((listener) => listener.onBodyEnd());
        else this.#relay.leave();
        return false;
      default:
        return false;
    }
  }

  #leavesAttempt(error: Error | undefined): boolean {
    // What a listener on the raw socket passes on comes by way of the request's own events in a moment.
    if (isOwnSocketError(this.#relay.caller.request, error)) return true;
    const { attempt } = this.#relay;
    if (attempt !== undefined && !attempt.waits) {
      this.#relay.leave();
      return false;
    }
    attempt?.withdraw();
    return this.#giveUp(error);
  }

  #leavesHeld(outcome: HeldOutcome, error: Error | undefined): boolean {
    // The error that is held, passed on by a listener on the raw socket.
    const own = outcome.kind === 'error' ? outcome.error : (outcome.error ?? outcome.response.socket?.errored);
    if (error !== undefined && error === own) return true;
    if (!this.#relay.canRestart()) {
      this.#relay.leave();
      return false;
    }
    if (outcome.kind === 'response') {
      outcome.unwatch();
      this.#relay.attempt?.discard(outcome.response, outcome.closed, false);
    }
    return this.#giveUp(error);
  }

  /** The app sees a request destroyed before there was anything to see of it. */
  #giveUp(error: Error | undefined): true {
    this.#relay.leave();
    this.#relay.caller.end(error);
    return true;
  }

  override socketGiven(socket: Socket | null | undefined): boolean {
    if (this.#relay.attempt?.accepts(socket ?? undefined)) return false;
    if (socket) releaseSocket(socket, this.#relay.caller.request);
    return true;
  }

  override keepsSocketError(error: Error, tell: () => void): boolean {
    const state = this.#relay.state;
    if (state.name !== 'held') return false;
    if (state.outcome.kind === 'response' || state.outcome.error === error) state.outcome.tellLater(tell);
    return true;
  }
}
