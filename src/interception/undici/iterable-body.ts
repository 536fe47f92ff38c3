import { responseDiscarded } from './abort-errors.ts';
import { Recording } from './recording.ts';
import type { BodyState, RequestBody } from './request-body.ts';

type Source = Iterable<unknown> | AsyncIterable<unknown>;

/** Iterables, async ones, generators, web streams. All content that fetch sends comes as an async generator. */
export class IterableBody implements RequestBody {
  readonly #source: Source;
  readonly #recording: Recording;
  readonly #ofFetch: boolean;
  #inner: AsyncIterator<unknown> | undefined = undefined;
  #reading = false;
  /** Undici has stopped reading before the end. */
  #left = false;
  #discarded = false;
  #error: unknown;

  constructor(source: Source, limit: number, ofFetch: boolean) {
    this.#source = source;
    this.#ofFetch = ofFetch;
    this.#recording = new Recording(limit);
  }

  state(): BodyState {
    if (this.#inner !== undefined) return this.#recording.state(this.#left);
    return this.#discarded ? 'consumed' : 'unread';
  }

  isDone(): boolean {
    return this.#recording.ended;
  }

  empty(): boolean {
    return false;
  }

  forAttempt(): unknown {
    if (this.#inner !== undefined) return this.#recording.replay();
    return { [Symbol.asyncIterator]: () => this.#iterate() };
  }

  begin(): void {}

  threw(error: Error): boolean {
    return this.#error === error;
  }

  detach(): void {}

  /**
   * Ends the source. The generator of fetch, if it was never begun, is begun first: it would end without having looked
   * at the stream it reads from, and nobody would cancel that.
   */
  discard(): void {
    if (this.#discarded || this.#recording.ended || this.#left) return;
    this.#discarded = true;
    try {
      const inner = this.#begin();
      if (this.#ofFetch && !this.#reading) inner.next().catch(() => {});
      inner.return?.()?.catch(() => {});
    } catch {
      // The source's own fault, and nobody is there any more to be told.
    }
  }

  #begin(): AsyncIterator<unknown> {
    this.#inner ??= iteratorOf(this.#source);
    return this.#inner;
  }

  #iterate(): AsyncIterator<unknown> {
    const inner = this.#begin();
    return {
      next: () => {
        // An end would make undici finish a message that is not whole.
        if (this.#discarded) return Promise.reject(responseDiscarded());
        this.#reading = true;
        return inner.next().then(this.#onResult, this.#onThrown);
      },
      return: () => {
        this.#left = true;
        return inner.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  readonly #onResult = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (this.#discarded) throw responseDiscarded();
    if (result.done === true) this.#recording.end();
    else this.#recording.add(result.value);
    return result;
  };

  readonly #onThrown = (error: unknown): never => {
    this.#left = true;
    this.#error = error;
    throw error;
  };
}

function iteratorOf(source: Source): AsyncIterator<unknown> {
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
