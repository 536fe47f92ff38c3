import type { WireLink } from './caller-side.ts';
import type { Controller } from './undici-types.ts';

/** The controller a caller keeps over all attempts, or before there is one; steers the attempt that counts. */
export class CallController implements Controller {
  rawHeaders: unknown = null;
  rawTrailers: unknown = null;
  /** Of the attempt whose response the caller is getting, or of the substitute it gets instead. */
  source: WireLink | undefined = undefined;
  #aborted = false;
  #paused = false;
  #reason: Error | null = null;
  readonly #abort: (reason: Error | undefined) => void;

  constructor(abort: (reason: Error | undefined) => void) {
    this.#abort = abort;
  }

  /** By the caller. Our own time limits are errors of the call, not aborts. */
  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    // What undici is to do is asked when a piece of the response has been handed over.
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.source?.resume();
  }

  abort(reason?: Error): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason ?? null;
    this.#abort(reason);
  }
}
