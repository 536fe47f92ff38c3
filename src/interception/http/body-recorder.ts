import type { PendingWrite, RequestInternals, WriteCallback } from './internals.ts';

interface Write {
  data: string | Uint8Array;
  readonly encoding: BufferEncoding | null;
  readonly callback: WriteCallback | undefined;
  called: boolean;
  /** Set when the write failed with an attempt that may not be the last: kept from the app until that is known. */
  failure: Error | undefined;
}

/** Keeps what a request wrote, framed as it went out, so that a later attempt can write it again. */
export class BodyRecorder {
  readonly #limit: number;
  /** Whether an error of a write has to wait, because the attempt it belongs to may be followed by another. */
  readonly #defers: () => boolean;
  #writes: Write[] = [];
  #bytes = 0;
  #headSeen = false;
  #overflowed = false;

  constructor(limit: number, defers: () => boolean) {
    this.#limit = limit;
    this.#defers = defers;
  }

  /** Whether nothing but the head has been written. */
  get empty(): boolean {
    return this.#bytes === 0;
  }

  /** Whether the head has been written, be it to the queue. Node's own mark is lost when an agent renders it anew. */
  get headWritten(): boolean {
    return this.#headSeen;
  }

  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Notes a write and returns the callback to make it with. */
  note(
    state: RequestInternals,
    data: string | Uint8Array,
    encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    const body = this.#withoutHead(state, data);
    this.#bytes += body.length;
    if (this.#bytes > this.#limit) this.#overflow();
    if (callback === undefined || callback === null) {
      if (!this.#overflowed && body.length > 0) this.#add(body, encoding, undefined);
      return callback;
    }
    const write = this.#add(this.#overflowed ? '' : body, encoding, callback);
    return (error) => this.#written(write, error);
  }

  /** The head goes out with the first piece of the body if that is a string. */
  #withoutHead(state: RequestInternals, data: string | Uint8Array): string | Uint8Array {
    const head = state._header;
    if (this.#headSeen || head === null) return data;
    this.#headSeen = true;
    return typeof data === 'string' && data.startsWith(head) ? data.slice(head.length) : data;
  }

  #add(body: string | Uint8Array, encoding: unknown, callback: WriteCallback | undefined): Write {
    // The app may use its buffer anew as soon as it has been written.
    const data = typeof body === 'string' ? body : Buffer.from(body);
    const write = { data, encoding: encoding as BufferEncoding, callback, called: false, failure: undefined };
    this.#writes.push(write);
    return write;
  }

  /** None of it will be written again: what is kept are the callbacks the app has yet to hear from. */
  #overflow(): void {
    if (this.#overflowed) return;
    this.#overflowed = true;
    this.#writes = this.#writes.filter((write) => write.callback !== undefined && !write.called);
    for (const write of this.#writes) write.data = '';
  }

  #written(write: Write, error: Error | null | undefined): void {
    if (write.called) return;
    if (error && this.#defers()) {
      write.failure = error;
      return;
    }
    write.called = true;
    // A long upload would otherwise keep a record of each of its chunks.
    if (this.#overflowed) this.#writes.splice(this.#writes.indexOf(write), 1);
    write.callback?.(error);
  }

  /** The app is about to hear of the failure: its callbacks do first, as they would have. */
  settle(): void {
    for (const write of [...this.#writes]) {
      const { failure } = write;
      if (failure === undefined) continue;
      write.failure = undefined;
      write.called = true;
      write.callback?.(failure);
    }
  }

  /** What a request has to hold ready to write everything again. */
  replay(): PendingWrite[] {
    return this.#writes.map((write) => {
      write.failure = undefined;
      return {
        data: write.data,
        encoding: write.encoding,
        callback: write.called ? null : (error) => this.#written(write, error),
      };
    });
  }
}
