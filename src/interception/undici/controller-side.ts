import type { Substitute } from '../../strategies/shared/contract.ts';
import { CallController } from './call-controller.ts';
import type { CallerSide, WireLink } from './caller-side.ts';
import { RecordHead, rawFrom, recordFrom } from './response-head.ts';
import type { AbortFunction, Controller, ControllerHandler, HeaderRecord } from './undici-types.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** A caller whose handler is of the newer style. */
export class ControllerSide implements CallerSide {
  readonly #handler: ControllerHandler;
  readonly #abort: AbortFunction;
  /** Whether undici's own controller would not last: there may be several attempts. */
  readonly #buffersOutcome: boolean;
  /** Ours, where undici's own would not last, or where there is none yet. */
  #facade: CallController | undefined = undefined;
  #native: Controller | null = null;

  constructor(handler: ControllerHandler, abort: AbortFunction, buffersOutcome: boolean) {
    this.#handler = handler;
    this.#abort = abort;
    this.#buffersOutcome = buffersOutcome;
  }

  wireFor(attempt: WireAttempt): object {
    return new ControllerWire(attempt);
  }

  get paused(): boolean {
    return this.#controller()?.paused ?? false;
  }

  #controller(): Controller | null {
    return this.#facade ?? this.#native;
  }

  start(link: WireLink | undefined, context: unknown = {}): void {
    if (link === undefined || this.#buffersOutcome) this.#facade ??= new CallController(this.#abort);
    if (link !== undefined) this.attach(link);
    this.#handler.onRequestStart(this.#controller() as Controller, context);
  }

  attach(link: WireLink): void {
    if (this.#facade === undefined) this.#native = link as Controller;
    else this.#facade.source = link;
  }

  head(head: RecordHead): boolean {
    const controller = this.#controller() as Controller;
    if (controller.rawHeaders !== head.raw) controller.rawHeaders = head.raw;
    this.#handler.onResponseStart?.(controller, head.status, head.record, head.statusText);
    return !controller.paused;
  }

  data(chunk: Uint8Array): boolean {
    const controller = this.#controller() as Controller;
    this.#handler.onResponseData?.(controller, chunk);
    return !controller.paused;
  }

  end(trailers: unknown): void {
    const controller = this.#controller() as Controller;
    const { source } = this.#facade ?? {};
    if (source !== undefined) controller.rawTrailers = (source as Partial<Controller>).rawTrailers ?? [];
    this.#handler.onResponseEnd?.(controller, (trailers ?? {}) as HeaderRecord);
  }

  error(error: Error): void {
    this.#handler.onResponseError(this.#controller(), error);
  }

  upgrade(status: number, headers: unknown, socket: unknown): unknown {
    return this.#handler.onRequestUpgrade?.(this.#controller() as Controller, status, headers as HeaderRecord, socket);
  }

  responseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  bodySent(chunk: unknown): unknown {
    return this.#handler.onBodySent?.(chunk);
  }

  requestSent(): unknown {
    return this.#handler.onRequestSent?.();
  }

  substitute(response: Substitute, statusText: string, link: WireLink): RecordHead {
    this.attach(link);
    const { status, headers } = response;
    return new RecordHead(status, recordFrom(headers), statusText, rawFrom(headers));
  }
}

/** What undici gets as the handler of an attempt. Its controller is the link: it can be aborted and resumed. */
class ControllerWire implements ControllerHandler {
  readonly #attempt: WireAttempt;

  constructor(attempt: WireAttempt) {
    this.#attempt = attempt;
  }

  onRequestStart(controller: Controller, context?: unknown): void {
    this.#attempt.connected(controller, context);
  }

  onRequestUpgrade(controller: Controller, status: number, headers: HeaderRecord, socket: unknown): unknown {
    this.#attempt.call.caller.attach(controller);
    return this.#attempt.upgraded(status, headers, socket);
  }

  onResponseStarted(): void {
    this.#attempt.call.caller.responseStarted();
  }

  onBodySent(chunk: unknown): unknown {
    return this.#attempt.call.caller.bodySent(chunk);
  }

  onRequestSent(): unknown {
    return this.#attempt.call.caller.requestSent();
  }

  onResponseStart(controller: Controller, status: number, headers: HeaderRecord, statusText?: string): void {
    const goOn = this.#attempt.head(new RecordHead(status, headers, statusText, controller.rawHeaders));
    if (!goOn && !controller.paused) controller.pause();
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    const goOn = this.#attempt.data(chunk);
    if (!goOn && !controller.paused) controller.pause();
  }

  onResponseEnd(_controller: Controller, trailers: HeaderRecord): unknown {
    return this.#attempt.end(trailers);
  }

  onResponseError(controller: Controller | null, error: Error): void {
    this.#attempt.failed(error, controller?.aborted === true);
  }
}
