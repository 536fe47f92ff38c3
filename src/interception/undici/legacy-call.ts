import type { Substitute } from '../../strategies/shared/contract.ts';
import { Call } from './call.ts';
import type { CallInput } from './call-request.ts';
import { LegacyAttempt } from './legacy-attempt.ts';
import { Playback } from './playback.ts';
import { rawFrom } from './response-head.ts';
import type { LegacyHandler } from './undici-types.ts';

/** A call whose handler is of the older style. */
export class LegacyCall extends Call {
  readonly handler: LegacyHandler;

  constructor(input: CallInput, handler: LegacyHandler) {
    super(input);
    this.handler = handler;
  }

  protected newAttempt(): LegacyAttempt {
    return new LegacyAttempt(this);
  }

  start(context?: unknown): void {
    if (this.started) return;
    this.started = true;
    this.handler.onConnect((reason) => this.abort(reason), context);
  }

  protected tellError(error: Error): void {
    this.handler.onError(error);
  }

  protected answer(response: Substitute): void {
    const { handler } = this;
    const call = this;
    const playback: Playback = new Playback(
      {
        get ended() {
          return call.ended;
        },
        head(statusText) {
          handler.onResponseStarted?.();
          const raw = rawFrom(response.headers);
          return handler.onHeaders(response.status, raw, () => playback.run(), statusText) !== false;
        },
        data: (chunk) => handler.onData(chunk) !== false,
        end() {
          call.ended = true;
          handler.onComplete([]);
        },
        failed: (error) => call.deliverError(error),
      },
      response,
      this.method,
    );
    playback.run();
  }
}
