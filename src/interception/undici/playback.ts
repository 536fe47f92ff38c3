import http from 'node:http';
import { isBodiless } from '../../common/http-fields.ts';
import type { Substitute } from '../../strategies/shared/contract.ts';
import type { Call } from './call.ts';
import type { WireLink } from './caller-side.ts';

/** Plays a substitute to the call's handler, which may pause it between two steps. */
export function play(call: Call, response: Substitute): void {
  new Playback(call, response).resume();
}

class Playback implements WireLink {
  readonly #call: Call;
  readonly #steps: Array<() => boolean>;
  #running = false;
  #resumed = false;

  constructor(call: Call, response: Substitute) {
    const { caller } = call;
    const { status, body } = response;
    const statusText = response.statusText ?? http.STATUS_CODES[status] ?? '';
    this.#call = call;
    this.#steps = [
      () => {
        caller.responseStarted();
        return caller.head(caller.substitute(response, statusText, this), false);
      },
    ];
    if (!isBodiless(status, call.method) && body.byteLength > 0) {
      this.#steps.push(() => caller.data(Buffer.from(body.buffer, body.byteOffset, body.byteLength)));
    }
    this.#steps.push(() => {
      call.ended = true;
      caller.end(undefined);
      return false;
    });
  }

  /** Of a substitute the call itself is aborted. */
  abort(): void {}

  /** Starts, or goes on after a pause. */
  resume(): void {
    // Resumed from inside a step, before the step could answer.
    this.#resumed = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#resumed) {
        this.#resumed = false;
        const step = this.#call.ended ? undefined : this.#steps.shift();
        if (step?.() === true) this.#resumed = true;
      }
    } catch (error) {
      this.#call.deliverError(error as Error);
    } finally {
      this.#running = false;
    }
  }
}
