import http from 'node:http';
import type { Socket } from 'node:net';

/** Node's own class, whatever tools for tests may put in its place on the module later. */
export const { ClientRequest } = http;

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
  useChunkedEncodingByDefault: boolean;
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
  req: http.ClientRequest;
  _dump(): void;
  _addHeaderLine(name: string, value: string, to: object): void;
  _addHeaderLineDistinct(name: string, value: string, to: object): void;
}

/** What Node's client keeps on a socket in use. */
export interface SocketInternals {
  _httpMessage?: http.ClientRequest | null;
  parser?: { outgoing: http.ClientRequest | null } | null;
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

let finishedMark: symbol | null | undefined;

/** The mark by which Node 24 and later know that all of a request has been written; earlier lines work it out anew. */
function findFinishedMark(request: http.ClientRequest): symbol | null {
  finishedMark ??= Object.getOwnPropertySymbols(request).find((one) => one.description === 'kWritableFinished') ?? null;
  return finishedMark;
}

/** Sets whether all of a request has been written. Answers whether Node keeps a mark of that at all. */
export function markWritten(request: http.ClientRequest, written: boolean): boolean {
  const mark = findFinishedMark(request);
  if (mark !== null) (request as unknown as Record<symbol, boolean>)[mark] = written;
  return mark !== null;
}
