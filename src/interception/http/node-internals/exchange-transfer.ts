import http from 'node:http';
import type { Socket } from 'node:net';
import {
  ClientRequest,
  internals,
  markWritten,
  type RequestInternals,
  responseInternals,
  type SocketInternals,
} from './internals.ts';

/** The state of the connection and of what came over it, as opposed to the message that was sent. */
const WIRE = [
  'agent',
  'shouldKeepAlive',
  'reusedSocket',
  'upgradeOrConnect',
  'destroyed',
  '_closed',
  '_ended',
  'timeoutCb',
  'parser',
  'res',
] as const satisfies readonly (keyof RequestInternals)[];

const MESSAGE = ['finished', '_header', '_headerSent'] as const satisfies readonly (keyof RequestInternals)[];

const ignore = (): void => {};

/** A request without a connection, an agent or listeners: somebody for the rest of an exchange to happen to. */
export function bareRequest(): http.ClientRequest {
  const request = Object.create(ClientRequest.prototype) as http.ClientRequest;
  (http.OutgoingMessage as unknown as (this: object) => void).call(request);
  Object.assign(internals(request), { aborted: false, path: '/', method: 'GET' });
  request.on('error', ignore);
  return request;
}

/**
 * Has the exchange of `from` go on as one of `to`: Node's listeners find the request of a connection by the socket, the
 * parser and the response. What still happens on that connection happens to `to`; `from` has none.
 */
export function transferExchange(from: http.ClientRequest, to: http.ClientRequest, socket: Socket | undefined): void {
  transferWire(from, to, socket);
  const target = internals(to);
  const source = internals(from);
  for (const name of MESSAGE) Object.assign(target, { [name]: source[name] });
  const written = from.writableFinished;
  markWritten(to, written);
  // Where Node keeps no mark, it asks this.
  Object.defineProperty(to, 'writableFinished', { value: written, configurable: true, writable: true });
  target.outputData = [];
  target.outputSize = 0;
}

/** The same for the connection alone: the message remains what it is. */
export function transferWire(from: http.ClientRequest, to: http.ClientRequest, socket: Socket | undefined): void {
  const target = internals(to);
  const source = internals(from);
  for (const name of WIRE) Object.assign(target, { [name]: source[name] });
  const connection = (source.socket ?? socket) as (Socket & SocketInternals) | undefined;
  if (connection?._httpMessage === from) {
    connection._httpMessage = to;
    if (connection.parser) connection.parser.outgoing = to;
  }
  if (source.res !== null && source.res !== undefined) responseInternals(source.res).req = to;
  for (const listener of from.listeners('finish')) {
    if (listener.name !== 'requestOnFinish') continue;
    from.removeListener('finish', listener as () => void);
    to.on('finish', listener as () => void);
  }
  source.socket = null;
  target.socket = connection ?? null;
}
