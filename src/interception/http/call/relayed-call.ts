import type { ClientRequest } from 'node:http';
import type { Attempt } from '../../../engine/exchange.ts';
import type { Substitute } from '../../../strategies/shared/contract.ts';
import { WireAttempt } from '../attempt/wire-attempt.ts';
import { giveSocket } from '../patch/prototype-patches.ts';
import { killBody } from './delivery.ts';
import type { HeldOutcome } from './held-outcome.ts';
import type { HttpCall } from './http-exchange.ts';
import { ENDED, IDLE, type Relay, RUNNING } from './relay.ts';
import { RelayHooks } from './relay-hooks.ts';
import { emitReleasedError, emitReleasedResponse } from './release.ts';
import { substituteSocket } from './substitute.ts';

const { setImmediate: startImmediate } = globalThis;

/**
 * A call that may wait before its first attempt, have more than one, or be answered by a substitute. The caller holds
 * one request all along. A first attempt that need not wait is that request; every other has an AttemptRequest, whose
 * socket is handed to it. As soon as an attempt has failed, its connection is another request's affair: the caller's
 * goes on taking what the app writes.
 */
export class RelayedCall implements HttpCall {
  readonly hooks: RelayHooks;
  readonly #relay: Relay;
  /** What the current attempt was cancelled with before it was made. */
  #cutShort: Error | undefined = undefined;

  constructor(relay: Relay) {
    this.#relay = relay;
    this.hooks = new RelayHooks(relay, () => this.release());
    if (relay.current === undefined) return;
    relay.state = RUNNING;
    relay.attempt = WireAttempt.ofCaller(relay.caller, this.hooks, relay.options);
  }

  get sent(): ClientRequest {
    return this.#relay.attempt?.request ?? this.#relay.caller.request;
  }

  hasContent(): boolean {
    return this.#relay.caller.body.hasContent(() => this.#relay.exchange.announcesContent());
  }

  replayable(): boolean {
    return this.#relay.caller.repeatable && this.#relay.canRestart() && !this.#answeredEarly();
  }

  /** An app may wait for the answer to what it has sent so far: another attempt might wait for the rest of it. */
  #answeredEarly(): boolean {
    const { body } = this.#relay.caller;
    return this.#relay.answered && body.state === 'growing' && !body.awaitsContinue;
  }

  /** The call begins without an attempt, once the app has had its turn: what it sets in the same breath counts. */
  proceedFromStart(): void {
    if (this.#relay.caller.request.destroyed) {
      this.#relay.leave();
      this.#relay.caller.end(undefined);
      return;
    }
    process.nextTick(() => {
      if (this.#relay.state === IDLE) this.#relay.proceed((error) => this.fail(error));
    });
  }

  // ── what the engine asks ──────────────────────────────────────────────────────────────────────────────────────────

  send(attempt: Attempt): void {
    this.#relay.current = attempt;
    this.#cutShort = undefined;
    const { name } = this.#relay.state;
    // Asked again now: the app has gone on writing.
    if (name === 'held' && !this.replayable()) return this.#unsendable(attempt);
    this.#clear((outcome) => this.#launchAfter(outcome, attempt));
  }

  hedgeable(): boolean {
    const { state, attempt, caller } = this.#relay;
    if (state.name !== 'running' || attempt?.socket === undefined || caller.request.destroyed) return false;
    // All of it has been written: whatever the app still has to hear of that, it has heard.
    const whole = caller.body.state === 'none' || caller.body.state === 'complete';
    return whole && caller.request.writableFinished && this.replayable();
  }

  hedge(attempt: Attempt): void {
    this.#relay.race(() => this.release());
    this.#relay.current = attempt;
    this.#cutShort = undefined;
    this.#launch(attempt);
  }

  respond(response: Substitute): void {
    this.#clear(() => {
      this.#relay.state = ENDED;
      const { method, protocol } = this.#relay.exchange;
      giveSocket(this.#relay.caller.request, substituteSocket(response, method, protocol === 'https:'));
    });
  }

  fail(error: Error): void {
    this.#clear(() => {
      this.#relay.state = ENDED;
      this.#relay.caller.end(error);
    });
  }

  release(): void {
    const state = this.#relay.state;
    if (state.name !== 'held') return;
    const { outcome } = state;
    const source = { caller: this.#relay.caller, attempt: this.#relay.attempt, context: this.#relay.context };
    if (outcome.kind === 'error') {
      this.#relay.state = ENDED;
      process.nextTick(() => emitReleasedError(outcome, source));
      return;
    }
    outcome.unwatch();
    this.#relay.deliver(outcome.response, outcome.chunks);
    // On a tick of its own: what the app throws is not the engine's to catch.
    if (!this.#relay.emitting) process.nextTick(() => emitReleasedResponse(outcome, source));
  }

  cancel(attempt: Attempt, error: Error): void {
    if (attempt !== this.#relay.current) {
      this.#relay.rivals?.find((rival) => rival.attempt === attempt)?.cancel(error);
      return;
    }
    if (this.#relay.state.name === 'running') this.#relay.attempt?.cancel(error);
    else this.#cutShort = error;
  }

  awaitsReader(): boolean {
    return this.#relay.state.name === 'delivered' && this.#relay.state.response.readableLength > 0;
  }

  killBody(error: Error): void {
    if (this.#relay.state.name !== 'delivered') return;
    this.#relay.bodyError = error;
    killBody(this.#relay.state.response, error);
  }

  /** Throws away what is held, and goes on with the caller's request, which waits for a socket again. */
  #clear(next: (outcome: HeldOutcome | undefined) => void): void {
    const state = this.#relay.state;
    if (state.name === 'idle') return next(undefined);
    if (state.name !== 'held') return;
    // Without the means to start the request over, the outcome there is has to do.
    if (!this.#relay.canRestart()) return this.release();
    if (!this.#relay.emitting) return this.#discard(state.outcome, next);
    process.nextTick(() => {
      if (this.#relay.state === state) this.#discard(state.outcome, next);
    });
  }

  #discard(outcome: HeldOutcome, next: (outcome: HeldOutcome) => void): void {
    if (outcome.kind === 'response') {
      outcome.unwatch();
      this.#relay.attempt?.discard(outcome.response, outcome.closed, true);
    }
    this.#relay.attempt = undefined;
    this.#relay.state = IDLE;
    this.#relay.caller.requeue();
    next(outcome);
  }

  /** A response that is all there is out of the way at once, and its connection free for the next attempt. */
  #launchAfter(outcome: HeldOutcome | undefined, attempt: Attempt): void {
    if (outcome?.kind !== 'response' || !outcome.response.complete) return this.#launch(attempt);
    startImmediate(() => {
      if (this.#relay.state === IDLE && this.#relay.current === attempt) this.#launch(attempt);
    });
  }

  #launch(current: Attempt): void {
    const attempt = new WireAttempt(this.#relay.caller, this.hooks);
    this.#relay.state = RUNNING;
    this.#relay.attempt = attempt;
    this.#relay.answered = false;
    const { target, site } = this.#relay.exchange;
    try {
      if (this.#cutShort !== undefined) throw this.#cutShort;
      const source = { call: target, site, options: this.#relay.options, context: this.#relay.context };
      attempt.open({ ...source, listener: this.#relay.listener }, current.endpoint);
    } catch (error) {
      attempt.withdraw();
      // Not from inside the engine's own step.
      process.nextTick(() => this.#neverMade(error as Error));
    }
  }

  #neverMade(error: Error): void {
    if (this.#relay.state.name !== 'running' || this.#relay.current === undefined) return;
    const disposition = this.#relay.listener.onError(this.#relay.current, error);
    if (disposition === 'hold') return this.#relay.holdError(error, () => this.release());
    if (disposition === 'discard') {
      this.#relay.attempt = undefined;
      this.#relay.current = undefined;
      return;
    }
    this.#relay.endRace();
    this.#relay.state = ENDED;
    this.#relay.caller.end(error);
  }

  /** Whatever was decided, the request cannot be repeated by now: the app gets the outcome there is, unless better comes. */
  #unsendable(attempt: Attempt): void {
    const state = this.#relay.state;
    const error = Object.assign(new Error('the request outgrew what can be sent again'), {
      code: 'ERR_NOT_REPEATABLE',
    });
    process.nextTick(() => {
      if (this.#relay.state !== state) return;
      if (this.#relay.listener.onError(attempt, error) === 'deliver') this.release();
      else this.#relay.proceed(() => this.release());
    });
  }
}
