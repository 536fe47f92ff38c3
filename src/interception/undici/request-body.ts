import type { Readable } from 'node:stream';

/** The body of a call, over all its attempts. Never reads on its own: it looks on while undici reads. */
export interface RequestBody {
  /** What the next attempt is to send. */
  forAttempt(): unknown;
  /** Whether it can be sent (once more) in full. `touched`: a connection was given to an attempt. */
  replayable(touched: boolean): boolean;
  /** Whether this very error came out of the body: the caller's fault, not the upstream's. */
  threw(error: Error): boolean;
  /** An attempt that was never begun keeps its hands on the body, and may destroy it later. */
  leaveBehind(): void;
  /** Nobody is going to read it (any further). */
  discard(): void;
}

/** What undici can send more than once as it is: strings, buffers, blobs, forms. */
class FixedBody implements RequestBody {
  readonly #value: unknown;
  readonly #limit: number;

  constructor(value: unknown, limit: number) {
    this.#value = value;
    this.#limit = limit;
  }

  forAttempt(): unknown {
    return this.#value;
  }

  replayable(touched: boolean): boolean {
    return !touched || sizeOf(this.#value) <= this.#limit;
  }

  threw(): boolean {
    return false;
  }
  leaveBehind(): void {}
  discard(): void {}
}

/** A copy of what went by, up to a limit. */
class Recording {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  complete = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get usable(): boolean {
    return this.complete && this.#size <= this.#limit;
  }

  note(chunk: unknown): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array) || this.#size > this.#limit) return;
    this.#size += bytes.byteLength;
    if (this.#size > this.#limit) this.#chunks.length = 0;
    else this.#chunks.push(Buffer.from(bytes));
  }

  replay(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** A Node stream: handed over itself, since undici reads its length off it; recorded by a listener that joins undici's. */
class StreamBody implements RequestBody {
  readonly #stream: Readable;
  readonly #recording: Recording | undefined;
  #begun = false;
  #leftBehind = false;

  constructor(stream: Readable, limit: number) {
    this.#stream = stream;
    if (limit < 0) return;
    this.#recording = new Recording(limit);
    stream.on('newListener', this.#onListener);
  }

  forAttempt(): unknown {
    return this.#begun || this.#knownEmpty() ? (this.#recording?.replay() ?? this.#stream) : this.#stream;
  }

  replayable(): boolean {
    if (this.#leftBehind || this.#recording === undefined) return false;
    if (this.#begun) return this.#recording.usable;
    return this.#knownEmpty() || !this.#stream.destroyed;
  }

  threw(error: Error): boolean {
    return this.#stream.errored === error;
  }

  leaveBehind(): void {
    this.#leftBehind = true;
  }

  discard(): void {
    this.#stream.removeListener('newListener', this.#onListener);
    if (!this.#stream.destroyed) this.#stream.destroy();
  }

  /** Ended without a byte: undici sees that and never reads it. */
  #knownEmpty(): boolean {
    if (this.#begun) return false;
    return (this.#stream.readableEnded || isDone(this.#stream)) && this.#stream.readableLength === 0;
  }

  readonly #onListener = (event: string | symbol): void => {
    if (event !== 'data' || this.#begun) return;
    this.#begun = true;
    this.#stream.removeListener('newListener', this.#onListener);
    const recording = this.#recording;
    if (recording === undefined) return;
    this.#stream.on('data', (chunk) => recording.note(chunk));
    this.#stream.once('end', () => {
      recording.complete = true;
    });
  };
}

/** Iterables, async ones, generators, web streams (all that fetch sends comes as an async generator). */
class IterableBody implements RequestBody {
  readonly #source: Iterable<unknown> | AsyncIterable<unknown>;
  readonly #recording: Recording | undefined;
  #begun = false;
  #error: unknown;

  constructor(source: Iterable<unknown> | AsyncIterable<unknown>, limit: number) {
    this.#source = source;
    if (limit >= 0) this.#recording = new Recording(limit);
  }

  forAttempt(): unknown {
    if (this.#begun && this.#recording !== undefined) return this.#recording.replay();
    return { [Symbol.asyncIterator]: () => this.#iterate() };
  }

  replayable(): boolean {
    return !this.#begun || this.#recording?.usable === true;
  }

  threw(error: Error): boolean {
    return this.#error === error;
  }

  leaveBehind(): void {}
  discard(): void {}

  #iterate(): AsyncIterator<unknown> {
    this.#begun = true;
    const inner = iteratorOf(this.#source);
    return {
      next: () => inner.next().then(this.#onResult, this.#onThrown),
      return: () => inner.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    };
  }

  readonly #onResult = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (this.#recording !== undefined) {
      if (result.done === true) this.#recording.complete = true;
      else this.#recording.note(result.value);
    }
    return result;
  };

  readonly #onThrown = (error: unknown): never => {
    this.#error = error;
    throw error;
  };
}

/**
 * Undefined when there is none to look after. `limit`: the most bytes to keep for a replay; negative: the call is not
 * going to be repeated.
 */
export function requestBody(body: unknown, limit: number): RequestBody | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return fixed(body, limit);
  if (typeof body !== 'object') return undefined;
  if (isStream(body)) return new StreamBody(body, limit);
  const tag: unknown = Reflect.get(body, Symbol.toStringTag);
  if (tag === 'FormData' || tag === 'Blob' || tag === 'File') return fixed(body, limit);
  return isIterable(body) ? new IterableBody(body, limit) : undefined;
}

function fixed(value: unknown, limit: number): RequestBody | undefined {
  return limit < 0 ? undefined : new FixedBody(value, limit);
}

function isStream(body: object): body is Readable {
  return 'pipe' in body && typeof body.pipe === 'function' && 'on' in body && typeof body.on === 'function';
}

function isIterable(body: object): body is Iterable<unknown> | AsyncIterable<unknown> {
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}

/** All data is in, whether read or not. Only Node's own state tells; a foreign stream is taken as unfinished. */
function isDone(stream: Readable): boolean {
  const state: unknown = Reflect.get(stream, '_readableState');
  return typeof state === 'object' && state !== null && Reflect.get(state, 'ended') === true;
}

function iteratorOf(source: Iterable<unknown> | AsyncIterable<unknown>): AsyncIterator<unknown> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  const inner = source[Symbol.iterator]();
  const settled = async (result: IteratorResult<unknown>): Promise<IteratorResult<unknown>> =>
    // As `for await` does with a synchronous source: the values may be promises.
    ({ done: result.done === true, value: await result.value });
  return {
    next: async () => settled(inner.next()),
    return: async () => settled(inner.return?.() ?? { done: true, value: undefined }),
  };
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  if ('size' in value && typeof value.size === 'number') return value.size;
  let size = 0;
  if ('entries' in value && typeof value.entries === 'function') {
    for (const [, entry] of value.entries() as Iterable<[string, unknown]>) size += sizeOf(entry);
  }
  return size;
}
