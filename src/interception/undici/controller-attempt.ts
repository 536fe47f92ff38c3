import type { ControllerCall } from './controller-call.ts';
import { copyRaw, markRaw, markRecord, RecordHead } from './response-head.ts';
import type { Controller, ControllerHandler, HeaderRecord } from './undici-types.ts';
import { WireAttempt } from './wire-attempt.ts';

interface HeldHead {
  readonly status: number;
  readonly headers: HeaderRecord;
  readonly statusText: string | undefined;
}

/** One attempt, as a handler of the newer style. */
export class ControllerAttempt extends WireAttempt implements ControllerHandler {
  protected readonly call: ControllerCall;
  #controller: Controller | undefined = undefined;
  #head: HeldHead | undefined = undefined;
  #abortedByUs = false;

  constructor(call: ControllerCall) {
    super();
    this.call = call;
  }

  // ── what undici calls ─────────────────────────────────────────────────────────────────────────────────────────────

  onRequestStart(controller: Controller, context?: unknown): void {
    const { call } = this;
    this.#controller = controller;
    if (this.state === 'discarded') {
      this.abortWire(this.givenUp);
      return;
    }
    call.touched();
    try {
      call.connect(controller, context);
    } catch (error) {
      call.leave();
      throw error;
    }
  }

  onRequestUpgrade(controller: Controller, status: number, headers: HeaderRecord, socket: unknown): unknown {
    const { call } = this;
    this.state = 'over';
    call.upgraded(status);
    call.ended = true;
    return call.handler.onRequestUpgrade?.(this.#facing(controller), status, headers, socket);
  }

  onResponseStarted(): void {
    this.call.handler.onResponseStarted?.();
  }

  onBodySent(chunk: unknown): unknown {
    return this.call.handler.onBodySent?.(chunk);
  }

  onRequestSent(): unknown {
    return this.call.handler.onRequestSent?.();
  }

  onResponseStart(controller: Controller, status: number, headers: HeaderRecord, statusText?: string): void {
    const { call, state } = this;
    if (state !== 'open') return;
    if (status < 200) {
      this.#pass(controller, status, headers, statusText);
      return;
    }
    if (call.upgrade) {
      this.state = 'over';
      call.upgraded(status);
      this.#pass(controller, status, headers, statusText);
      return;
    }
    if (call.judgeHead(new RecordHead(status, headers)) === 'deliver') {
      this.state = 'delivering';
      this.#deliver(controller, status, headers, statusText);
      return;
    }
    this.state = 'held';
    this.#head = { status, headers, statusText };
    if (Array.isArray(controller.rawHeaders)) controller.rawHeaders = copyRaw(controller.rawHeaders);
    controller.pause();
    call.proceed();
  }

  onResponseData(controller: Controller, chunk: Uint8Array): unknown {
    switch (this.state) {
      case 'delivering':
        return this.#passData(controller, chunk);
      case 'held':
        return this.holdChunk(chunk);
      case 'discarded':
        return this.drain(chunk.byteLength);
      default:
        return this.call.handler.onResponseData?.(this.#facing(controller), chunk);
    }
  }

  onResponseEnd(controller: Controller, trailers: HeaderRecord): unknown {
    const { call } = this;
    switch (this.state) {
      case 'held':
        return this.holdEnd(() => this.onResponseEnd(controller, trailers));
      case 'discarded':
        return this.drained();
      case 'delivering':
        this.state = 'over';
        call.bodyEnded();
        break;
    }
    const facing = this.#facing(controller);
    if (facing !== controller) facing.rawTrailers = controller.rawTrailers;
    return call.handler.onResponseEnd?.(facing, trailers);
  }

  onResponseError(controller: Controller | null, error: Error): void {
    const { call } = this;
    // The caller has undici's own controller: an abort of it shows only now.
    if (call.facade === undefined && controller?.aborted === true && !this.#abortedByUs) call.leave();
    this.failed(error);
  }

  // ── the caller's side ─────────────────────────────────────────────────────────────────────────────────────────────

  #facing(controller: Controller): Controller {
    return this.call.facade ?? controller;
  }

  #deliver(controller: Controller, status: number, headers: HeaderRecord, statusText: string | undefined): void {
    const { addedResponseHeaders } = this.call.listener;
    if (addedResponseHeaders === undefined) {
      this.#pass(controller, status, headers, statusText);
    } else {
      if (Array.isArray(controller.rawHeaders))
        controller.rawHeaders = markRaw(controller.rawHeaders, addedResponseHeaders);
      this.#pass(controller, status, markRecord(headers, addedResponseHeaders), statusText);
    }
    this.bodyObserver = this.call.listener.bodyObserver;
  }

  #pass(controller: Controller, status: number, headers: HeaderRecord, statusText: string | undefined): void {
    const facing = this.#facing(controller);
    if (facing !== controller) facing.rawHeaders = controller.rawHeaders;
    try {
      this.call.handler.onResponseStart?.(facing, status, headers, statusText);
    } catch (error) {
      this.call.leave();
      throw error;
    }
  }

  #passData(controller: Controller, chunk: Uint8Array): unknown {
    if (this.bodyObserver !== undefined) this.call.show(this.bodyObserver, chunk);
    try {
      return this.call.handler.onResponseData?.(this.#facing(controller), chunk);
    } catch (error) {
      this.call.leave();
      throw error;
    }
  }

  protected deliverHead(): boolean {
    const head = this.#head;
    const controller = this.#controller;
    if (head === undefined || controller === undefined) return true;
    this.#head = undefined;
    this.#deliver(controller, head.status, head.headers, head.statusText);
    // What is held is paused by us; the caller may want it so too.
    return !this.#callerPaused(controller);
  }

  protected deliverData(chunk: Uint8Array): boolean {
    const controller = this.#controller;
    if (controller === undefined) return true;
    this.#passData(controller, chunk);
    return !this.#callerPaused(controller);
  }

  #callerPaused(controller: Controller): boolean {
    // A response is held only where attempts repeat, and there the caller has a controller of ours.
    const { facade } = this.call;
    return facade !== undefined && facade !== controller && facade.paused;
  }

  awaitsReader(): boolean {
    return (this.call.facade ?? this.#controller)?.paused ?? false;
  }

  protected connected(): boolean {
    return this.#controller !== undefined;
  }

  protected abortWire(reason: Error | undefined): void {
    if (this.call.facade === undefined) this.#abortedByUs = !this.call.left;
    this.#controller?.abort(reason);
  }

  protected resumeWire(): void {
    this.#controller?.resume();
  }

  protected heldContentLength(): string | undefined {
    return this.#head === undefined ? undefined : new RecordHead(0, this.#head.headers).header('content-length');
  }
}
