import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ExchangeListener } from '../../engine/exchange.ts';
import { HeldResponse } from './held-outcome.ts';
import { internals, isUpgrade, type WriteCallback } from './internals.ts';
import { MessageHead } from './message-head.ts';
import { ENDED, OutcomeRelay } from './outcome-relay.ts';
import { diedUpstream, isMisuse, isOwnSocketError } from './request-error.ts';
import { giveBack } from './withdraw.ts';

/** What the sensors tell of the caller's request, as reports to the engine: the way into each state. */
export abstract class EventRelay extends OutcomeRelay {
  /** The app gave up while an outcome was held. */
  #left = false;

  override requestEvent(type: unknown, value: unknown): boolean | undefined {
    const answer = this.#heard(type, value);
    if (answer === undefined && typeof type === 'string') this.attempt?.mirror(type, value);
    return answer;
  }

  #heard(type: unknown, value: unknown): boolean | undefined {
    switch (type) {
      case 'response':
        return this.#onResponse(value as IncomingMessage);
      case 'error':
        return this.#onError(value as Error);
      case 'close':
        return this.#onClose();
      case 'upgrade':
      case 'connect':
        if (this.state.name === 'running')
          this.end((listener) => listener.onUpgrade(this.current, (value as IncomingMessage).statusCode ?? 0));
        return undefined;
      case 'socket':
        // When the app's own listeners are on it.
        process.nextTick(() => this.caller.socketSeen(value as Socket));
        return undefined;
      case 'prefinish':
      case 'finish':
        return this.caller.repeats(type) ? false : undefined;
      case 'continue':
        // The body went along already, as a replay.
        return this.attempt?.shadowed === true && this.caller.request.writableEnded ? false : undefined;
      default:
        return undefined;
    }
  }

  #onResponse(response: IncomingMessage): boolean | undefined {
    if (this.state.name !== 'running') return undefined;
    const disposition = this.listener.onHead(this.current, new MessageHead(response));
    if (disposition === 'deliver') return this.deliver(response, []);
    const held = new HeldResponse(response);
    this.state = { name: 'response_held', held };
    this.caller.attemptEnding();
    this.emitting = true;
    try {
      this.listener.proceed();
    } catch (error) {
      // The sensor reports it, and lets the event go on to the app.
      this.state = ENDED;
      throw error;
    } finally {
      this.emitting = false;
    }
    if (this.#isDelivered()) return undefined;
    held.keepChunks();
    return true;
  }

  #isDelivered(): boolean {
    return this.state.name === 'delivered';
  }

  #onError(error: Error): boolean | undefined {
    const state = this.state;
    if (state.name === 'delivered' && state.response.errored !== error) this.bodyError ??= error;
    if (state.name === 'idle' || state.name === 'delivered' || state.name === 'ended') return undefined;
    if (state.name !== 'running') return true;
    if (isMisuse(error)) return undefined;
    if (this.listener.onError(this.current, error) === 'deliver') {
      this.state = ENDED;
      this.caller.settle();
      return undefined;
    }
    // Without a socket nothing will close.
    this.holdError(error, this.attempt?.socket === undefined && !this.caller.request.destroyed);
    return true;
  }

  #onClose(): boolean | undefined {
    const state = this.state;
    switch (state.name) {
      case 'response_held':
        state.held.closed = true;
        return true;
      case 'error_held':
        state.held.closed = true;
        this.proceedFrom(state.held);
        return true;
      case 'clearing':
        process.nextTick(() => this.cleared());
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

  #bodyClosed(response: IncomingMessage): void {
    if (response.complete) return this.end((listener) => listener.onBodyEnd());
    const error = this.bodyError;
    if (error === undefined && !diedUpstream(response)) return this.leave();
    this.end((listener) => listener.onBodyError(error ?? response.errored ?? undefined));
  }

  /** An upgrade that was granted without anybody listening for it, or misuse, was the end of it. */
  #closedUnanswered(): void {
    const { res } = internals(this.caller.request);
    if (res !== null && isUpgrade(res)) this.end((listener) => listener.onUpgrade(this.current, res.statusCode ?? 0));
    else this.leave();
  }

  override responseEvent(response: IncomingMessage, type: string, value: unknown): boolean | undefined {
    const state = this.state;
    if (state.name === 'response_held' && response === state.held.response) {
      state.held.keepEvent(type, value);
      return true;
    }
    if (type === 'end' && state.name === 'delivered' && response === state.response) {
      this.end((listener) => listener.onBodyEnd());
    }
    return undefined;
  }

  override destroying(error: Error | undefined): boolean {
    const { request } = this.caller;
    const state = this.state;
    switch (state.name) {
      case 'idle':
        this.leave();
        this.caller.end(error);
        return true;
      case 'running':
        return this.#destroyingAttempt(error);
      case 'delivered':
        if (request.destroyed) return false;
        if (state.response.complete) this.end((listener) => listener.onBodyEnd());
        else this.leave();
        return false;
      case 'error_held':
        // The error that is held, passed on by a listener on the raw socket.
        if (error === state.held.error) return true;
        this.#leaveHeld(state.held.closed, error);
        return true;
      case 'response_held':
        state.held.response.on('error', () => {});
        state.held.response.socket?.destroy();
        this.#leaveHeld(state.held.closed, error);
        return true;
      case 'clearing':
        // Already on its way out, if the app has been here before.
        if (!this.#left) this.#leaveHeld(false, error);
        return true;
      default:
        return false;
    }
  }

  #destroyingAttempt(error: Error | undefined): boolean {
    const { request } = this.caller;
    if (request.destroyed) return false;
    // What a listener on the raw socket passes on comes by way of the request's own events in a moment.
    if (isOwnSocketError(request, error)) return true;
    this.leave();
    const { attempt } = this;
    if (attempt === undefined || !attempt.shadowed || attempt.socket !== undefined) return false;
    attempt.withdraw();
    this.caller.end(error);
    return true;
  }

  /** The app gives up while an outcome is held: it sees a request destroyed before there was one. */
  #leaveHeld(closed: boolean, error: Error | undefined): void {
    this.#left = true;
    this.listener.onAbort();
    internals(this.caller.request).destroyed = true;
    this.state = {
      name: 'clearing',
      next: () => {
        this.state = ENDED;
        this.caller.end(error);
      },
    };
    if (closed) process.nextTick(() => this.cleared());
  }

  override socketGiven(socket: Socket | null | undefined): boolean {
    if (this.attempt?.accepts(socket ?? undefined)) return false;
    if (socket) giveBack(socket, this.caller.request);
    return true;
  }

  override writing(
    data: string | Uint8Array,
    encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    return this.mayStillChange() ? this.caller.writing(data, encoding, callback) : callback;
  }

  override keepsSocketError(error: Error, tell: () => void): boolean {
    const state = this.state;
    if (state.name === 'error_held' && state.held.error === error) state.held.tellLater(tell);
    return state.name === 'error_held' || state.name === 'clearing';
  }

  override headRendered(): void {
    this.caller.headRendered();
  }

  protected leave(): void {
    this.end((listener) => listener.onAbort());
  }

  protected end(report: (listener: ExchangeListener) => void): void {
    this.state = ENDED;
    report(this.listener);
  }

  protected mayStillChange(): boolean {
    const { name } = this.state;
    return name !== 'delivered' && name !== 'ended';
  }
}
