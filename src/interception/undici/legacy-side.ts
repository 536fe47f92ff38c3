import type { Substitute } from '../../strategies/shared/contract.ts';
import type { CallerSide, WireLink } from './caller-side.ts';
import { RawHead, rawFrom } from './response-head.ts';
import type { AbortFunction, LegacyHandler, RawHeaders } from './undici-types.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** A caller whose handler is of the older style. */
export class LegacySide implements CallerSide {
  paused = false;
  readonly #handler: LegacyHandler;
  readonly #abort: AbortFunction;

  constructor(handler: LegacyHandler, abort: AbortFunction) {
    this.#handler = handler;
    this.#abort = abort;
  }

  wireFor(attempt: WireAttempt): object {
    return new LegacyWire(attempt);
  }

  start(_link: WireLink | undefined, context?: unknown): void {
    this.#handler.onConnect(this.#abort, context);
  }

  attach(): void {}

  head(head: RawHead, observed: boolean): boolean {
    const resume = observed ? () => this.#resumed(head) : head.resume;
    const flows = this.#handler.onHeaders(head.status, head.raw, resume, head.statusText) !== false;
    this.paused = !flows;
    return flows;
  }

  #resumed(head: RawHead): void {
    this.paused = false;
    head.resume();
  }

  data(chunk: Uint8Array): boolean {
    const flows = this.#handler.onData(chunk) !== false;
    this.paused = !flows;
    return flows;
  }

  end(trailers: unknown): void {
    this.#handler.onComplete((trailers ?? []) as RawHeaders);
  }

  error(error: Error): void {
    this.#handler.onError(error);
  }

  upgrade(status: number, headers: unknown, socket: unknown): unknown {
    return this.#handler.onUpgrade?.(status, headers as RawHeaders, socket);
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

  substitute(response: Substitute, statusText: string, link: WireLink): RawHead {
    return new RawHead(response.status, rawFrom(response.headers), statusText, () => link.resume());
  }
}

/** What undici gets as the handler of an attempt. */
class LegacyWire implements LegacyHandler, WireLink {
  readonly #attempt: WireAttempt;
  #abort: AbortFunction | undefined = undefined;
  #resume: (() => void) | undefined = undefined;

  constructor(attempt: WireAttempt) {
    this.#attempt = attempt;
  }

  abort(reason?: Error): void {
    this.#abort?.(reason);
  }

  resume(): void {
    this.#resume?.();
  }

  onConnect(abort: AbortFunction, context?: unknown): void {
    this.#abort = abort;
    this.#attempt.connected(this, context);
  }

  onUpgrade(status: number, headers: RawHeaders, socket: unknown): unknown {
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

  onHeaders(status: number, raw: RawHeaders, resume: () => void, statusText?: string): unknown {
    this.#resume = resume;
    return this.#attempt.head(new RawHead(status, raw, statusText, resume));
  }

  onData(chunk: Uint8Array): unknown {
    return this.#attempt.data(chunk);
  }

  onComplete(trailers: RawHeaders): unknown {
    return this.#attempt.end(trailers);
  }

  onError(error: Error): void {
    this.#attempt.failed(error, false);
  }
}
