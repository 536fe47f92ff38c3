import type { ClientRequest, IncomingMessage } from 'node:http';
import { RequestHooks } from '../patch/request-hooks.ts';

/** On what carries an attempt on that is over for the app, or goes on without it. */
export class CarrierHooks extends RequestHooks {
  readonly #keeper: RequestHooks;
  readonly #attempt: ClientRequest;

  constructor(keeper: RequestHooks, attempt: ClientRequest) {
    super();
    this.#keeper = keeper;
    this.#attempt = attempt;
  }

  override keepsSocketError(error: Error, tell: () => void): boolean {
    this.#keeper.keepsSocketError(error, tell);
    return true;
  }

  override attemptOf(): ClientRequest {
    return this.#attempt;
  }

  override responseEvent(response: IncomingMessage, type: string, value: unknown): boolean | undefined {
    return this.#keeper.responseEvent(response, type, value);
  }
}

/** On what carries an attempt that has lost: what its connection dies of is nothing to the app, not even later. */
export class LostCarrierHooks extends CarrierHooks {
  override keepsSocketError(): boolean {
    return true;
  }
}
