import http from 'node:http';
import type { Substitute } from '../../strategies/shared/contract.ts';

/** The caller's side of a substitute: each step says whether the next may follow at once. */
export interface Stage {
  readonly ended: boolean;
  head(statusText: string): boolean;
  data(chunk: Buffer): boolean;
  end(): void;
  /** The caller's handler threw. */
  failed(error: Error): void;
}

const BODILESS = new Set([204, 205, 304]);

/** Plays a substitute to a handler, which may pause it between two steps. */
export class Playback {
  readonly #stage: Stage;
  readonly #response: Substitute;
  readonly #steps: Array<() => boolean>;
  #running = false;
  #resumed = false;

  constructor(stage: Stage, response: Substitute, method: string) {
    this.#stage = stage;
    this.#response = response;
    const { status, body } = response;
    this.#steps = [() => stage.head(this.#statusText())];
    if (method !== 'HEAD' && !BODILESS.has(status) && body.byteLength > 0) {
      this.#steps.push(() => stage.data(Buffer.from(body.buffer, body.byteOffset, body.byteLength)));
    }
    this.#steps.push(() => {
      stage.end();
      return false;
    });
  }

  /** Starts, or goes on after a pause. */
  run(): void {
    // Resumed from inside a step, before the step could answer.
    this.#resumed = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#resumed) {
        this.#resumed = false;
        const step = this.#stage.ended ? undefined : this.#steps.shift();
        if (step?.() === true) this.#resumed = true;
      }
    } catch (error) {
      this.#stage.failed(error as Error);
    } finally {
      this.#running = false;
    }
  }

  #statusText(): string {
    return this.#response.statusText ?? http.STATUS_CODES[this.#response.status] ?? '';
  }
}
