import type { IncomingMessage } from 'node:http';
import type { ExchangeListener } from '../../../engine/exchange.ts';
import { responseInternals } from '../node-internals/internals.ts';

/** Gives a response that the app is about to get the addedResponseHeaders and the bodyObserver the engine wants on it. */
export function prepareDelivery(listener: ExchangeListener, response: IncomingMessage, early: readonly Buffer[]): void {
  const { addedResponseHeaders, bodyObserver } = listener;
  if (addedResponseHeaders !== undefined) for (const [name, value] of addedResponseHeaders) mark(response, name, value);
  if (bodyObserver === undefined) return;
  for (const chunk of early) bodyObserver.chunk(chunk);
  onChunk(response, (chunk) => bodyObserver.chunk(chunk));
}

/** Adds a header field, wherever the app or an instrumentation may look or have looked. */
function mark(response: IncomingMessage, name: string, value: string): void {
  // Both are computed at first use from the raw headers, up to the count that came from the wire; so: first use first.
  const { headers, headersDistinct } = response;
  responseInternals(response)._addHeaderLine(name, value, headers);
  responseInternals(response)._addHeaderLineDistinct(name, value, headersDistinct);
  response.rawHeaders.push(name, value);
}

/** Shows each chunk as the parser hands it over: no listener, and the flow is left to the app. */
export function onChunk(response: IncomingMessage, show: (chunk: Buffer) => void): void {
  const { push } = response;
  Object.defineProperty(response, 'push', {
    configurable: true,
    writable: true,
    value(this: IncomingMessage, chunk: unknown, encoding?: BufferEncoding): boolean {
      if (chunk instanceof Uint8Array && chunk.length > 0) show(chunk as Buffer);
      return push.call(this, chunk, encoding);
    },
  });
}

/** Ends a delivered body the way a dying upstream does: 'aborted' and 'error' on the response, none on the request. */
export function killBody(response: IncomingMessage, error: Error): void {
  if (response.destroyed) return;
  // First, so that destroying the response doesn't hand the error on to the socket, and by it to the request.
  response.socket?.destroy();
  response.destroy(error);
}
