import { Blob } from 'node:buffer';
import type { Readable } from 'node:stream';
import { IterableBody } from './iterable-body.ts';
import { Recording } from './recording.ts';

/**
 * How far the content of a request has come. `unread`: nobody has begun to read it · `growing`: an attempt is reading
 * it · `complete`: it can be sent again as it was · `too_large`: it was, but is not kept · `consumed`: read in part and
 * lost, or in the hands of an attempt that was given up.
 */
export type BodyState = 'unread' | 'growing' | 'complete' | 'too_large' | 'consumed';

/** The content of a call, over all its attempts. Never reads on its own: it looks on while undici reads. */
export interface RequestBody {
  /** The account as it is now. Asked again for every attempt. */
  state(): BodyState;
  /** All of it has been read, and its source is at its end: what becomes of the attempt that read it is nothing to that. */
  isDone(): boolean;
  /** Known to be without a byte. */
  empty(): boolean;
  /** What the next attempt is to send. Not in the states `growing`, `too_large` and `consumed`. */
  forAttempt(): unknown;
  /** An attempt has got a connection. */
  begin(): void;
  /** Whether this very error came out of the body: the caller's fault, not the upstream's. */
  threw(error: Error): boolean;
  /** An attempt that was given up in undici's queue keeps its hands on the body, and will destroy it later. */
  detach(): void;
  /** Nobody is going to read it any further: its source is told, as after an early answer. */
  discard(): void;
}

/** Whether all of it can be sent by an attempt made now. Undefined: there is none. */
export function isSendable(body: RequestBody | undefined): boolean {
  if (body === undefined) return true;
  const state = body.state();
  return state === 'unread' || state === 'complete';
}

/** What undici can send more than once: strings, buffers, blobs, forms. */
class FixedBody implements RequestBody {
  readonly #value: unknown;
  readonly #limit: number;
  /** Bytes are copied once, as an app may use its buffer again after it was sent. */
  #copy: unknown;
  #begun = false;

  constructor(value: unknown, limit: number) {
    this.#value = value;
    this.#limit = limit;
  }

  state(): BodyState {
    if (!this.#begun) return 'unread';
    return sizeOf(this.#value) <= this.#limit ? 'complete' : 'too_large';
  }

  isDone(): boolean {
    return this.#begun;
  }

  empty(): boolean {
    return sizeOf(this.#value) === 0;
  }

  forAttempt(): unknown {
    return this.#begun ? (this.#copy ?? this.#value) : this.#value;
  }

  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const value = this.#value;
    if (value instanceof ArrayBuffer) {
      if (value.byteLength <= this.#limit) this.#copy = Buffer.from(value.slice(0));
    } else if (ArrayBuffer.isView(value) && value.byteLength <= this.#limit) {
      this.#copy = Buffer.copyBytesFrom(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
  }

  threw(): boolean {
    return false;
  }
  detach(): void {}
  discard(): void {}
}

/** What undici reads itself and only once, as it stands in a form or for a blob without being one of Node's. */
class OneShotBody implements RequestBody {
  readonly #value: unknown;
  #begun = false;

  constructor(value: unknown) {
    this.#value = value;
  }

  state(): BodyState {
    return this.#begun ? 'consumed' : 'unread';
  }

  isDone(): boolean {
    return false;
  }

  empty(): boolean {
    return false;
  }

  forAttempt(): unknown {
    return this.#value;
  }

  begin(): void {
    this.#begun = true;
  }

  threw(): boolean {
    return false;
  }
  detach(): void {}
  discard(): void {}
}

/** A Node stream: handed over itself, since undici reads its length off it; recorded by a listener that joins undici's. */
class StreamBody implements RequestBody {
  readonly #stream: Readable;
  readonly #recording: Recording;
  /** An attempt has had the stream, read or not. */
  #handedOver = false;
  #begun = false;
  #detached = false;

  constructor(stream: Readable, limit: number) {
    this.#stream = stream;
    this.#recording = new Recording(limit);
    if (limit >= 0) stream.on('newListener', this.#onListener);
  }

  state(): BodyState {
    const stream = this.#stream;
    if (this.#begun) return this.#recording.state(stream.destroyed && !stream.readableEnded);
    if (this.#isEmpty()) return 'complete';
    return this.#detached || stream.destroyed ? 'consumed' : 'unread';
  }

  isDone(): boolean {
    return this.#recording.ended && this.#stream.destroyed;
  }

  empty(): boolean {
    return this.#isEmpty();
  }

  forAttempt(): unknown {
    // The first attempt gets the stream whatever is left in it, to do with it as undici does.
    if (!this.#handedOver) {
      this.#handedOver = true;
      return this.#stream;
    }
    return this.#begun || this.#isEmpty() ? this.#recording.replay() : this.#stream;
  }

  begin(): void {}

  threw(error: Error): boolean {
    return this.#stream.errored === error;
  }

  detach(): void {
    this.#detached = true;
  }

  discard(): void {
    this.#stream.removeListener('newListener', this.#onListener);
    if (!this.#stream.destroyed) this.#stream.destroy();
  }

  /** Ended without a byte, or with all of them read by somebody else: undici sees that and never reads it. */
  #isEmpty(): boolean {
    if (this.#begun) return false;
    return (this.#stream.readableEnded || isDone(this.#stream)) && this.#stream.readableLength === 0;
  }

  readonly #onListener = (event: string | symbol): void => {
    if (event !== 'data' || this.#begun) return;
    this.#begun = true;
    const recording = this.#recording;
    this.#stream.removeListener('newListener', this.#onListener);
    this.#stream.on('data', (chunk) => recording.add(chunk));
    this.#stream.once('end', () => recording.end());
  };
}

/**
 * Undefined when there is none to look after. `limit`: the most bytes to keep for a replay; negative: the call is not
 * going to be repeated. `ofFetch`: a generator that reads from the stream the app gave.
 */
export function requestBody(body: unknown, limit: number, ofFetch: boolean): RequestBody | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || ArrayBuffer.isView(body) || body instanceof ArrayBuffer) {
    return limit < 0 ? undefined : new FixedBody(body, limit);
  }
  if (typeof body !== 'object') return undefined;
  if (isStream(body)) return new StreamBody(body, limit);
  const tag: unknown = Reflect.get(body, Symbol.toStringTag);
  if (tag === 'FormData' || tag === 'Blob' || tag === 'File') {
    if (limit < 0) return undefined;
    return isRereadable(body) ? new FixedBody(body, limit) : new OneShotBody(body);
  }
  return isIterable(body) ? new IterableBody(body, limit, ofFetch) : undefined;
}

/** Something that looks like a blob may be a stream behind it, which gives its bytes once. */
function isRereadable(body: object): boolean {
  if (body instanceof Blob) return true;
  if (!('entries' in body) || typeof body.entries !== 'function') return false;
  for (const [, entry] of body.entries() as Iterable<[string, unknown]>) {
    if (typeof entry !== 'string' && !(entry instanceof Blob)) return false;
  }
  return true;
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
