import type { ClientRequest } from 'node:http';
import { internals, markWritten, type PendingWrite } from './internals.ts';

/** What a request has to send. */
export interface Message {
  readonly head: string | null;
  readonly headSent: boolean;
  readonly body: readonly PendingWrite[];
}

/**
 * Puts a request whose exchange is over, or goes on elsewhere, back to the state of one that waits for its first socket:
 * Node itself queues what the app goes on to write. Everything else about it, listeners included, stays.
 */
export function resetForResend(request: ClientRequest, shouldKeepAlive: boolean): void {
  const state = internals(request);
  state.destroyed = false;
  state._closed = false;
  state._ended = false;
  state.res = null;
  state.parser = null;
  state.socket = null;
  state.timeoutCb = null;
  state.reusedSocket = false;
  state.upgradeOrConnect = false;
  state.shouldKeepAlive = shouldKeepAlive;
  markWritten(request, false);
}

/** Has the request hold ready all it has written so far, to be sent from the start. */
export function requeue(request: ClientRequest, { head, headSent, body }: Message): void {
  const state = internals(request);
  state._header = head;
  state._headerSent = headSent;
  state.outputData = [];
  state.outputSize = 0;
  if (head !== null && headSent) state.outputData.push({ data: head, encoding: 'latin1', callback: null });
  for (const write of body) state.outputData.push(write);
  for (const write of state.outputData) state.outputSize += write.data.length;
}
