import type { Controller } from './undici-types.ts';

/** The controller a caller keeps over all attempts, or before there is one; steers the attempt that counts. */
export class CallController implements Controller {
  rawHeaders: unknown = null;
  rawTrailers: unknown = null;
  /** The controller of the attempt whose response the caller is getting, if it comes from the wire. */
  source: Controller | undefined = undefined;
  /** Where there is no such attempt: what a substitute waits for. */
  onResume: (() => void) | undefined = undefined;
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
    this.#paused = true;
    this.source?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.source?.resume();
    this.onResume?.();
  }

  abort(reason?: Error): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason ?? null;
    this.#abort(reason);
  }
}
