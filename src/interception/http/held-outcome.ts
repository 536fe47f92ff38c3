import type { ClientRequest, IncomingMessage } from 'node:http';
import { onChunk } from './delivery.ts';
import { internals } from './internals.ts';

/** How much of a response that nobody will see is read, to keep its connection for others, and for how long. */
const MAX_DRAINED_BYTES = 64 * 1024;
const MAX_DRAIN_MS = 250;

const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** A response whose head the engine knows and the app does not, unread. */
export class HeldResponse {
  readonly response: IncomingMessage;
  /** The request's 'close' came while the response was held. */
  closed = false;
  /** What came of the body before it was decided that the app gets it: for its tap. The stream holds it anyway. */
  readonly chunks: Buffer[] = [];
  /** What the response would have told listeners it has not got yet. */
  readonly #events: Array<readonly [type: string, value: unknown]> = [];
  #watching = true;

  constructor(response: IncomingMessage) {
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

  /** The app is getting the response. */
  released(): void {
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

  /** Reads what is left, within bounds: the connection can be used again, and a tracer's span of the attempt ends. */
  drain(): void {
    const { response } = this;
    this.#watching = false;
    let left = MAX_DRAINED_BYTES;
    const giveUp = (): void => {
      response.socket?.destroy();
    };
    const timer = startTimer(giveUp, MAX_DRAIN_MS);
    response.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) giveUp();
    });
    response.on('error', () => {});
    response.once('close', () => stopTimer(timer));
  }
}

/** An error the engine knows of and the app does not. */
export class HeldError {
  readonly error: Error;
  /** The request's 'close', which follows the error, has come. */
  closed: boolean;
  readonly #destroyed: boolean;
  readonly #closes: boolean;
  readonly #tellings: Array<() => void> = [];

  /** `closed` from the start: nothing will close. */
  constructor(error: Error, closed: boolean, request: ClientRequest) {
    this.error = error;
    this.closed = closed;
    this.#destroyed = request.destroyed;
    this.#closes = !closed;
  }

  /** Somebody who listened on the raw socket would have heard of the error. */
  tellLater(tell: () => void): void {
    this.#tellings.push(tell);
  }

  tell(): void {
    for (const tell of this.#tellings) tell();
  }

  /** Has the request look as it did when the error came. Answers whether a 'close' followed. */
  restoreState(request: ClientRequest): boolean {
    Object.assign(internals(request), { destroyed: this.#destroyed, _closed: false });
    return this.#closes;
  }
}
