import type http from 'node:http';
import type { Socket } from 'node:net';
import { giveSocket } from '../patch/prototype-patches.ts';
import { internals } from './internals.ts';

/** Takes a request out of its agent's queue, if it is in there. */
export function leaveQueue(request: http.ClientRequest): void {
  const { agent } = internals(request);
  const queues = agent?.requests as Record<string, unknown[] | undefined> | undefined;
  for (const name of Object.keys(queues ?? {})) {
    const queue = queues?.[name];
    const at = queue?.indexOf(request) ?? -1;
    if (queue === undefined || at < 0) continue;
    queue.splice(at, 1);
    if (queue.length === 0) delete queues?.[name];
  }
}

/**
 * Ends an attempt with `error` in the way of a failing connection. `queued` is the request that waits for a socket, on
 * behalf of `request`; whoever calls this turns down a socket that still comes (`releaseSocket`).
 */
export function endAttempt(
  request: http.ClientRequest,
  queued: http.ClientRequest,
  socket: Socket | undefined,
  error: Error,
): void {
  if (socket !== undefined) {
    socket.destroy(error);
    return;
  }
  leaveQueue(queued);
  giveSocket(request, undefined, error);
}

/** Turns down a socket, as Node does for a request destroyed while it waited. */
export function releaseSocket(socket: Socket, request: http.ClientRequest | undefined): void {
  if (request !== undefined && internals(request).agent !== undefined && !socket.destroyed) socket.emit('free');
  else socket.destroy();
}
