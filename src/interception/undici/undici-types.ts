/** The little of undici's shape that this adapter relies on, the same in every copy from version 5 to 8. */

/**
 * Marks the options of a dispatch we made ourselves, so that the dispatches nested in it (agent → pool → client) pass.
 * Enumerable, so that it survives the copies interceptors make; registered, so that two copies of this package agree.
 */
export const ATTEMPT: unique symbol = Symbol.for('opentelemetry-instrumentation-resilience.undici-attempt');

export interface DispatchOptions {
  readonly origin?: string | URL | undefined;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly query?: Record<string, unknown> | undefined;
  readonly upgrade?: unknown;
  readonly servername?: string | undefined;
  readonly maxRedirections?: number | undefined;
  readonly [ATTEMPT]?: unknown;
}

export interface Dispatcher {
  dispatch(options: DispatchOptions, handler: object): boolean;
}

export type DispatchFunction = (this: Dispatcher, options: DispatchOptions, handler: object) => boolean;

export type AbortFunction = (reason?: Error) => void;

/** Raw header fields: name, value, name, value, … A value may be an array where an interceptor made it so. */
export type RawHeaders = readonly unknown[];

/** Header fields by lower-case name. */
export type HeaderRecord = Record<string, string | string[] | undefined>;

/** How a handler is told of a response in undici 5 and 6, and by the API functions of 7. */
export interface LegacyHandler {
  onConnect(abort: AbortFunction, context?: unknown): void;
  onUpgrade?(status: number, headers: RawHeaders, socket: unknown): unknown;
  onResponseStarted?(): void;
  onBodySent?(chunk: unknown): unknown;
  onRequestSent?(): unknown;
  onHeaders(status: number, headers: RawHeaders, resume: () => void, statusText?: string): unknown;
  onData(chunk: Uint8Array): unknown;
  onComplete(trailers: RawHeaders): unknown;
  onError(error: Error): unknown;
}

/** What a handler of the newer style steers its response with. */
export interface Controller {
  readonly aborted: boolean;
  readonly reason: Error | null;
  readonly paused: boolean;
  rawHeaders?: unknown;
  rawTrailers?: unknown;
  pause(): void;
  resume(): void;
  abort(reason?: Error): void;
}

/** How a handler is told of a response in undici 8, and by the interceptors of 7. */
export interface ControllerHandler {
  onRequestStart(controller: Controller, context?: unknown): void;
  onRequestUpgrade?(controller: Controller, status: number, headers: HeaderRecord, socket: unknown): unknown;
  onResponseStarted?(): void;
  onBodySent?(chunk: unknown): unknown;
  onRequestSent?(): unknown;
  onResponseStart?(controller: Controller, status: number, headers: HeaderRecord, statusText?: string): unknown;
  onResponseData?(controller: Controller, chunk: Uint8Array): unknown;
  onResponseEnd?(controller: Controller, trailers: HeaderRecord): unknown;
  onResponseError(controller: Controller | null, error: Error): unknown;
}
