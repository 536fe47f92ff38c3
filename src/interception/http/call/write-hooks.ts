import type { ClientRequest } from 'node:http';
import type { WireAttempt } from '../attempt/wire-attempt.ts';
import type { WriteCallback } from '../node-internals/internals.ts';
import { headsAreWatched, hideHead } from '../node-internals/watched-heads.ts';
import { RequestHooks } from '../patch/request-hooks.ts';
import type { Relay } from './relay.ts';

/** What the caller's request of a relayed call writes, and for which attempt. */
export class WriteHooks extends RequestHooks {
  readonly #relay: Relay;

  constructor(relay: Relay) {
    super();
    this.#relay = relay;
  }

  override writing(
    data: string | Uint8Array,
    encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    return this.#relay.mayStillChange() ? this.#relay.caller.body.note(data, encoding, callback) : callback;
  }

  override uncorking(): boolean {
    return this.#relay.mayStillChange() && this.#relay.caller.uncorking();
  }

  override attemptOf(): ClientRequest | undefined {
    return this.#relay.attempt?.request;
  }

  override headRendering(): (() => void) | undefined {
    return headsAreWatched() ? this.#watchHead(this.#relay.attempt) : undefined;
  }

  override headRendered(): void {
    this.#relay.caller.headRendered();
    this.#relay.exchange.headFinal();
  }

  /** Whoever takes the rendering for the beginning of an attempt is to see one, and only one. */
  #watchHead(attempt: WireAttempt | undefined): () => void {
    return attempt?.isCallers === true ? attempt.renderingHead() : hideHead(this.#relay.caller.request);
  }
}
