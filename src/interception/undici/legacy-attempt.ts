import type { LegacyCall } from './legacy-call.ts';
import { copyRaw, markRaw, RawHead } from './response-head.ts';
import type { AbortFunction, LegacyHandler, RawHeaders } from './undici-types.ts';
import { WireAttempt } from './wire-attempt.ts';

interface HeldHead {
  readonly status: number;
  readonly raw: RawHeaders;
  readonly resume: () => void;
  readonly statusText: string | undefined;
}

/** One attempt, as a handler of the older style. */
export class LegacyAttempt extends WireAttempt implements LegacyHandler {
  protected readonly call: LegacyCall;
  #abort: AbortFunction | undefined = undefined;
  #head: HeldHead | undefined = undefined;
  /** Known where somebody looks on at the body. */
  #paused = false;

  constructor(call: LegacyCall) {
    super();
    this.call = call;
  }

  // ── what undici calls ─────────────────────────────────────────────────────────────────────────────────────────────

  onConnect(abort: AbortFunction, context?: unknown): void {
    const { call } = this;
    this.#abort = abort;
    if (this.state === 'discarded') {
      abort(this.givenUp);
      return;
    }
    call.touched();
    if (call.started) return;
    try {
      call.start(context);
    } catch (error) {
      call.leave();
      throw error;
    }
  }

  onUpgrade(status: number, headers: RawHeaders, socket: unknown): unknown {
    const { call } = this;
    this.state = 'over';
    call.upgraded(status);
    call.ended = true;
    return call.handler.onUpgrade?.(status, headers, socket);
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

  onHeaders(status: number, raw: RawHeaders, resume: () => void, statusText?: string): unknown {
    const { call, state } = this;
    if (status < 200) return state === 'open' ? this.#pass(status, raw, resume, statusText) : true;
    if (state !== 'open') return true;
    if (call.upgrade) {
      this.state = 'over';
      call.upgraded(status);
      return this.#pass(status, raw, resume, statusText);
    }
    if (call.judgeHead(new RawHead(status, raw)) === 'deliver') {
      this.state = 'delivering';
      return this.#deliver(status, raw, resume, statusText);
    }
    this.state = 'held';
    this.#head = { status, raw: copyRaw(raw), resume, statusText };
    call.proceed();
    // Still held: pause. Else what was decided has been carried out already; false would stop what it set in motion.
    return !this.is('held') && this.#flowing;
  }

  onData(chunk: Uint8Array): unknown {
    switch (this.state) {
      case 'delivering':
        return this.#passData(chunk);
      case 'held':
        this.holdChunk(chunk);
        return false;
      case 'discarded':
        this.drain(chunk.byteLength);
        return true;
      default:
        return this.call.handler.onData(chunk);
    }
  }

  onComplete(trailers: RawHeaders): unknown {
    const { call } = this;
    switch (this.state) {
      case 'delivering':
        this.state = 'over';
        call.bodyEnded();
        return call.handler.onComplete(trailers);
      case 'held':
        this.holdEnd(() => this.onComplete(trailers));
        return undefined;
      case 'discarded':
        this.drained();
        return undefined;
      default:
        return call.handler.onComplete(trailers);
    }
  }

  onError(error: Error): void {
    this.failed(error);
  }

  // ── the caller's side ─────────────────────────────────────────────────────────────────────────────────────────────

  #deliver(status: number, raw: RawHeaders, resume: () => void, statusText: string | undefined): unknown {
    const { addedResponseHeaders, bodyObserver } = this.call.listener;
    const goOn = bodyObserver === undefined ? resume : () => this.#resumed(resume);
    const flow = this.#pass(
      status,
      addedResponseHeaders === undefined ? raw : markRaw(raw, addedResponseHeaders),
      goOn,
      statusText,
    );
    this.#paused = flow === false;
    this.bodyObserver = bodyObserver;
    return flow;
  }

  #resumed(resume: () => void): void {
    this.#paused = false;
    resume();
  }

  #pass(status: number, raw: RawHeaders, resume: () => void, statusText: string | undefined): unknown {
    try {
      return this.call.handler.onHeaders(status, raw, resume, statusText);
    } catch (error) {
      this.call.leave();
      throw error;
    }
  }

  #passData(chunk: Uint8Array): unknown {
    if (this.bodyObserver !== undefined) this.call.show(this.bodyObserver, chunk);
    try {
      const flow = this.call.handler.onData(chunk);
      this.#paused = flow === false;
      return flow;
    } catch (error) {
      this.call.leave();
      throw error;
    }
  }

  /** What the caller last said to a head that was released while undici was still reporting it. */
  #flowing = true;

  protected deliverHead(): boolean {
    const head = this.#head;
    this.#head = undefined;
    this.#resume = head?.resume;
    if (head !== undefined) {
      this.#flowing = this.#deliver(head.status, head.raw, head.resume, head.statusText) !== false;
    }
    return this.#flowing;
  }

  protected deliverData(chunk: Uint8Array): boolean {
    return this.#passData(chunk) !== false;
  }

  #resume: (() => void) | undefined = undefined;

  awaitsReader(): boolean {
    return this.#paused;
  }

  protected connected(): boolean {
    return this.#abort !== undefined;
  }

  protected abortWire(reason: Error | undefined): void {
    this.#abort?.(reason);
  }

  protected resumeWire(): void {
    const resume = this.#resume ?? this.#head?.resume;
    resume?.();
  }

  protected heldContentLength(): string | undefined {
    return this.#head === undefined ? undefined : new RawHead(0, this.#head.raw).header('content-length');
  }
}
