import type { IncomingMessage } from 'node:http';
import { onChunk } from './delivery.ts';

/** How much of a response that nobody will see is read, to keep its connection for others, and for how long. */
const MAX_DRAINED_BYTES = 64 * 1024;
const MAX_DRAIN_MS = 250;

const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

const ignore = (): void => {};

/** What was told in vain while an outcome was held. */
abstract class Held {
  /** The request's 'close' has come. */
  closed = false;
  readonly #tellings: Array<() => void> = [];

  /** Somebody who listened on the raw socket would have heard of its error. */
  tellLater(tell: () => void): void {
    this.#tellings.push(tell);
  }

  tell(): void {
    for (const tell of this.#tellings) tell();
  }
}

/** A response whose head the engine knows and the app does not, unread. */
export class HeldResponse extends Held {
  readonly kind = 'response';
  readonly response: IncomingMessage;
  /** An error of the request that came after the response. */
  error: Error | undefined = undefined;
  /** What came of the body before it was decided that the app gets it: for its observer. The stream holds it anyway. */
  readonly chunks: Buffer[] = [];
  /** What the response would have told listeners it has not got yet. */
  readonly #events: Array<readonly [type: string, value: unknown]> = [];
  #watching = true;

  constructor(response: IncomingMessage) {
    super();
    this.response = response;
  }

  /** From now on something may come that will have to be made up for. */
  keepChunks(): void {
    onChunk(this.response, (chunk) => {
      if (this.#watching) this.chunks.push(chunk);
    });
  }

  keepEvent(type: string, value: unknown): void {
    this.#events.push([type, value]);
  }

  /** Nothing of it is kept any more: the app is getting the response, or nobody is. */
  unwatch(): void {
    this.#watching = false;
  }

  /** Tells the app's listeners what happened before they were there. */
  catchUp(): void {
    const { response } = this;
    const { errored } = response;
    // Node keeps an error to itself when nobody listens at the time.
    const known = this.#events.some(([type]) => type === 'error');
    for (const [type, value] of this.#events) {
      if (type === 'close' && errored && !known && response.listenerCount('error') > 0) response.emit('error', errored);
      response.emit(type, value);
    }
  }
}

/** An error the engine knows of and the app does not. */
export class HeldError extends Held {
  readonly kind = 'error';
  readonly error: Error;
  /** Whether Node had taken the request for destroyed when the error came. */
  readonly destroyed: boolean;
  /** Whether Node itself brought the error, so that it closes the request as well. */
  readonly closes: boolean;

  constructor(error: Error, destroyed: boolean, closes: boolean) {
    super();
    this.error = error;
    this.destroyed = destroyed;
    this.closes = closes;
  }
}

export type HeldOutcome = HeldResponse | HeldError;

/** Reads what is left of a response nobody wants, within bounds, if its connection is worth keeping; else ends that. */
export function drain(response: IncomingMessage, worthKeeping: boolean): void {
  response.on('error', ignore);
  const giveUp = (): void => {
    response.socket?.destroy();
  };
  if (!worthKeeping) {
    giveUp();
    response.resume();
    return;
  }
  let left = MAX_DRAINED_BYTES;
  const timer = startTimer(giveUp, MAX_DRAIN_MS);
  response.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) giveUp();
  });
  response.once('close', () => stopTimer(timer));
}
