import { AsyncResource } from 'node:async_hooks';
import type { Substitute } from '../../strategies/shared/contract.ts';
import type { CallerSide, WireHead, WireLink } from './caller-side.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** The caller's asynchronous context, for attempts and answers that are made out of it. */
export class CallerScope extends AsyncResource {
  constructor() {
    super('ResilienceCall');
  }
}

/** A caller that is told everything in its own context: an attempt is made in one in which a span of ours is active. */
export class ScopedSide implements CallerSide {
  readonly #side: CallerSide;
  readonly #scope: CallerScope;

  constructor(side: CallerSide, scope: CallerScope) {
    this.#side = side;
    this.#scope = scope;
  }

  get paused(): boolean {
    return this.#side.paused;
  }

  wireFor(attempt: WireAttempt): object {
    return this.#side.wireFor(attempt);
  }

  start(link: WireLink | undefined, context?: unknown): void {
    this.#scope.runInAsyncScope(this.#side.start, this.#side, link, context);
  }

  attach(link: WireLink): void {
    this.#side.attach(link);
  }

  head(head: WireHead, observed: boolean): boolean {
    return this.#scope.runInAsyncScope(this.#side.head, this.#side, head, observed);
  }

  data(chunk: Uint8Array): boolean {
    return this.#scope.runInAsyncScope(this.#side.data, this.#side, chunk);
  }

  end(trailers: unknown): void {
    this.#scope.runInAsyncScope(this.#side.end, this.#side, trailers);
  }

  error(error: Error): void {
    this.#scope.runInAsyncScope(this.#side.error, this.#side, error);
  }

  upgrade(status: number, headers: unknown, socket: unknown): unknown {
    return this.#scope.runInAsyncScope(this.#side.upgrade, this.#side, status, headers, socket);
  }

  responseStarted(): void {
    this.#scope.runInAsyncScope(this.#side.responseStarted, this.#side);
  }

  bodySent(chunk: unknown): unknown {
    return this.#scope.runInAsyncScope(this.#side.bodySent, this.#side, chunk);
  }

  requestSent(): unknown {
    return this.#scope.runInAsyncScope(this.#side.requestSent, this.#side);
  }

  substitute(response: Substitute, statusText: string, link: WireLink): WireHead {
    return this.#side.substitute(response, statusText, link);
  }
}
