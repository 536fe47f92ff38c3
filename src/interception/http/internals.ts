import http from 'node:http';
import type { Socket } from 'node:net';

/**
 * What of Node's http client is used beyond its documented face. Stable from Node 20 to 26, and checked at first use
 * by self-test.ts: without it nothing is repeated.
 */
export interface RequestInternals {
  destroyed: boolean;
  finished: boolean;
  aborted: boolean;
  _closed: boolean;
  _ended: boolean;
  _last: boolean;
  _header: string | null;
  _headerSent: boolean;
  outputData: PendingWrite[];
  outputSize: number;
  res: http.IncomingMessage | null;
  parser: unknown;
  socket: Socket | null;
  agent: http.Agent | undefined;
  timeout: number | undefined;
  timeoutCb: (() => void) | null;
  reusedSocket: boolean;
  shouldKeepAlive: boolean;
  upgradeOrConnect: boolean;
  path: string;
  method: string;
  _implicitHeader(): void;
  _writeRaw(data: string | Uint8Array, encoding?: unknown, callback?: unknown, size?: number): boolean;
  onSocket(socket: Socket | null | undefined, error?: Error | null): void;
}

export type WriteCallback = (error?: Error | null) => void;

export interface PendingWrite {
  data: string | Uint8Array;
  encoding: BufferEncoding | null;
  callback: WriteCallback | null;
}

export interface ResponseInternals {
  readonly upgrade: boolean | null;
  _dump(): void;
  _addHeaderLine(name: string, value: string, to: object): void;
  _addHeaderLineDistinct(name: string, value: string, to: object): void;
}

/** The client's own idea of an agent: whatever takes a request and gives it a socket. */
export interface RequestTaker {
  addRequest(request: http.ClientRequest, options: object): void;
}

export function internals(request: http.ClientRequest): RequestInternals {
  return request as unknown as RequestInternals;
}

export function responseInternals(response: http.IncomingMessage): ResponseInternals {
  return response as unknown as ResponseInternals;
}

/** Whether the connection ceased to be HTTP with this response. */
export function isUpgrade(response: http.IncomingMessage): boolean {
  return responseInternals(response).upgrade === true;
}

/** Emits past the sensors: to the listeners, whoever else wraps `emit` on the way included. */
export function emitPlain(request: http.ClientRequest, type: string | symbol, ...args: unknown[]): boolean {
  return http.OutgoingMessage.prototype.emit.call(request, type, ...args);
}
