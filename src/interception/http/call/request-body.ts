import type { ClientRequest } from 'node:http';
import {
  internals,
  markWritten,
  type PendingWrite,
  type RequestInternals,
  type WriteCallback,
} from '../node-internals/internals.ts';

/**
 * What is known of the body of a request. `none` and `complete`: all of it; `growing`: the app may still write;
 * `too_large`: more was written than may be kept; `consumed`: some was written before anybody looked on.
 */
export type BodyState = 'none' | 'growing' | 'complete' | 'too_large' | 'consumed';

const FRAMING = /\r\n(?:content-length: *0*[1-9]|transfer-encoding:)/i;

interface Write {
  data: string | Uint8Array;
  readonly encoding: BufferEncoding | null;
  readonly callback: WriteCallback | undefined;
  /** Node's own, at the end of a request: called for every attempt, unlike the app's. */
  readonly finishes: boolean;
  called: boolean;
  /** Set when the write failed with an attempt that may not be the last: kept from the app until that is known. */
  failure: Error | undefined;
}

/** The account of what a request wrote, framed as it went out, so that a further attempt can write it again. */
export class RequestBody {
  readonly #request: ClientRequest;
  readonly #state: RequestInternals;
  readonly #limit: number;
  /** Whether an error of a write has to wait, because the attempt it belongs to may be followed by another. */
  readonly #defers: () => boolean;
  readonly #consumed: boolean;
  /** The exchange the request is part of, by number: what a connection says of another one is not for the app. */
  #exchange = 0;
  #exchanges = 0;
  #writes: Write[] = [];
  #bytes = 0;
  #headSeen: boolean;
  #tooLarge = false;

  constructor(request: ClientRequest, limit: number, defers: () => boolean) {
    this.#request = request;
    this.#state = internals(request);
    this.#limit = limit;
    this.#defers = defers;
    const { _header, _headerSent, finished, outputData } = this.#state;
    // With `Expect` the head is written by the constructor.
    this.#headSeen = _headerSent;
    this.#consumed = finished || outputData.some(({ data }) => data.length > 0 && data !== _header);
  }

  get state(): BodyState {
    if (this.#consumed) return 'consumed';
    if (this.#tooLarge) return 'too_large';
    if (!this.#state.finished) return 'growing';
    return this.#bytes === 0 ? 'none' : 'complete';
  }

  /** Whether a further attempt can send what the app has written, and will write. */
  get repeatable(): boolean {
    return !this.#consumed && !this.#tooLarge;
  }

  /** Whether the app is waiting to be told before it writes any of it. */
  get awaitsContinue(): boolean {
    return !this.begun && /\r\nexpect: *100-continue\r\n/i.test(this.#state._header ?? '');
  }

  /** Whether the app has written anything of it, or said that it is complete. */
  get begun(): boolean {
    return this.#bytes > 0 || this.#consumed || this.#state.finished;
  }

  /** Whether the request has content, or may still get some, as far as that is known: else whether it `announces` any. */
  hasContent(announces: () => boolean): boolean {
    const { state } = this;
    if (state !== 'growing') return state !== 'none';
    const { _header } = this.#state;
    return this.#bytes > 0 || (_header === null ? announces() : FRAMING.test(_header));
  }

  /** Whether the head has been written, be it to the queue. Node's own mark is lost when an agent renders it anew. */
  get headWritten(): boolean {
    return this.#headSeen;
  }

  /** Notes a write and returns the callback to make it with. */
  note(data: string | Uint8Array, encoding: unknown, callback: WriteCallback | undefined): WriteCallback | undefined {
    const body = this.#withoutHead(data);
    this.#bytes += body.length;
    if (this.#bytes > this.#limit) this.#overflow();
    if (callback === undefined || callback === null) {
      if (!this.#tooLarge && body.length > 0) this.#add(body, encoding, undefined);
      return callback;
    }
    const write = this.#add(this.#tooLarge ? '' : body, encoding, callback);
    return this.#callbackOf(write);
  }

  /** The request leaves its exchange, whose number it answers: what has not been heard of it by now comes with another. */
  leaveExchange(): number {
    const left = this.#exchange;
    this.#exchange = ++this.#exchanges;
    return left;
  }

  resumeExchange(number: number): void {
    this.#exchange = number;
  }

  #callbackOf(write: Write): WriteCallback {
    const exchange = this.#exchange;
    return (error) => {
      if (exchange === this.#exchange) this.#written(write, error);
    };
  }

  /** The head goes out with the first piece of the body if that is a string. */
  #withoutHead(data: string | Uint8Array): string | Uint8Array {
    const head = this.#state._header;
    if (this.#headSeen || head === null) return data;
    this.#headSeen = true;
    return typeof data === 'string' && data.startsWith(head) ? data.slice(head.length) : data;
  }

  #add(body: string | Uint8Array, encoding: unknown, callback: WriteCallback | undefined): Write {
    const write: Write = {
      // The app may use its buffer anew as soon as it has been written.
      data: typeof body === 'string' ? body : Buffer.from(body),
      encoding: encoding as BufferEncoding,
      callback,
      finishes: callback?.name === 'bound onFinish',
      called: false,
      failure: undefined,
    };
    this.#writes.push(write);
    return write;
  }

  /** None of it will be written again: what is kept are the callbacks the app has yet to hear from. */
  #overflow(): void {
    if (this.#tooLarge) return;
    this.#tooLarge = true;
    this.#writes = this.#writes.filter((write) => write.callback !== undefined && (write.finishes || !write.called));
    for (const write of this.#writes) write.data = '';
  }

  #written(write: Write, error: Error | null | undefined): void {
    if (write.called && !write.finishes) return;
    if (error && this.#defers()) {
      write.failure = error;
      return;
    }
    write.called = true;
    // A long upload would otherwise keep a record of each of its chunks.
    if (this.#tooLarge && !write.finishes) this.#writes.splice(this.#writes.indexOf(write), 1);
    write.callback?.(error);
  }

  /**
   * The app is about to hear of a failure: its callbacks do first, as they would have. `error`: for those of writes that
   * went to no connection at all.
   */
  settle(error?: Error): void {
    for (const write of [...this.#writes]) {
      const failure = write.failure ?? (write.called ? undefined : error);
      write.failure = undefined;
      if (failure === undefined || write.callback === undefined) continue;
      // Where Node keeps no mark of what has been written, it takes any call for success.
      if (write.finishes && !markWritten(this.#request, false)) continue;
      write.called = true;
      write.callback(failure);
    }
  }

  /** What a request has to hold ready to write everything again. */
  replay(): PendingWrite[] {
    const writes: PendingWrite[] = this.#writes.map((write) => {
      write.failure = undefined;
      return {
        data: write.data,
        encoding: write.encoding,
        callback: write.called && !write.finishes ? null : this.#callbackOf(write),
      };
    });
    const finished = this.#state.finished && !this.#writes.some((write) => write.finishes);
    const exchange = this.#exchange;
    const tell = (error?: Error | null): void => {
      if (!error && exchange === this.#exchange) this.#finished();
    };
    if (finished) writes.push({ data: '', encoding: 'latin1', callback: tell });
    return writes;
  }

  /** Node said so on its own when there was nothing left to write: another attempt has all of it to write again. */
  #finished(): void {
    markWritten(this.#request, true);
    this.#request.emit('finish');
  }
}
