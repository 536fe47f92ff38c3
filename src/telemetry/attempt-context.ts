import type { Context } from '@opentelemetry/api';

/**
 * The context an attempt is made in. While it is being made, `within` (with our span, which is to be the parent of the
 * CLIENT span); from then on what the caller had. Instrumentations bind the app's callbacks to the context in which they
 * find a request made, and sockets keep it: what the app does in there is no part of our span.
 */
export class AttemptContext implements Context {
  readonly #caller: Context;
  #current: Context;

  constructor(within: Context, caller: Context) {
    this.#current = within;
    this.#caller = caller;
  }

  made(): void {
    this.#current = this.#caller;
  }

  getValue(key: symbol): unknown {
    return this.#current.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#current.setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#current.deleteValue(key);
  }
}
