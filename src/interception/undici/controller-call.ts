import type { Substitute } from '../../strategies/shared/contract.ts';
import { Call } from './call.ts';
import { CallController } from './call-controller.ts';
import type { CallInput } from './call-request.ts';
import { ControllerAttempt } from './controller-attempt.ts';
import { Playback } from './playback.ts';
import { rawFrom, recordFrom } from './response-head.ts';
import type { Controller, ControllerHandler } from './undici-types.ts';

/** A call whose handler is of the newer style. */
export class ControllerCall extends Call {
  readonly handler: ControllerHandler;
  /** Ours, where undici's own would not last: over several attempts, or before the first. */
  facade: CallController | undefined = undefined;
  #native: Controller | null = null;

  constructor(input: CallInput, handler: ControllerHandler) {
    super(input);
    this.handler = handler;
  }

  protected newAttempt(): ControllerAttempt {
    return new ControllerAttempt(this);
  }

  protected start(): void {
    if (this.started) return;
    this.started = true;
    this.handler.onRequestStart(this.#makeFacade(), {});
  }

  /** An attempt has a connection. */
  connect(controller: Controller, context: unknown): void {
    this.#native = controller;
    if (this.facade !== undefined) this.facade.source = controller;
    if (this.started) return;
    this.started = true;
    if (this.buffersOutcome) this.#makeFacade().source = controller;
    this.handler.onRequestStart(this.facade ?? controller, context);
  }

  #makeFacade(): CallController {
    this.facade = new CallController((reason) => this.abort(reason));
    return this.facade;
  }

  protected tellError(error: Error): void {
    this.handler.onResponseError(this.facade ?? this.#native, error);
  }

  protected answer(response: Substitute): void {
    const { handler } = this;
    const call = this;
    const controller = this.facade ?? this.#makeFacade();
    controller.source = undefined;
    const playback = new Playback(
      {
        get ended() {
          return call.ended;
        },
        head(statusText) {
          handler.onResponseStarted?.();
          controller.rawHeaders = rawFrom(response.headers);
          handler.onResponseStart?.(controller, response.status, recordFrom(response.headers), statusText);
          return !controller.paused;
        },
        data(chunk) {
          handler.onResponseData?.(controller, chunk);
          return !controller.paused;
        },
        end() {
          call.ended = true;
          controller.rawTrailers = [];
          handler.onResponseEnd?.(controller, {});
        },
        failed: (error) => call.deliverError(error),
      },
      response,
      this.method,
    );
    controller.onResume = () => playback.run();
    playback.run();
  }
}
