import type { ClientRequest } from 'node:http';
import { internals, type PendingWrite } from './internals.ts';

/**
 * Puts a request whose attempt is over back to the state of one that waits for its first socket: with `head` and
 * `body`, as far as it had written them, ready to be sent. Everything else about it, listeners included, stays.
 */
export function rearm(
  request: ClientRequest,
  head: string | null,
  body: readonly PendingWrite[],
  shouldKeepAlive: boolean,
): void {
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
  state._header = head;
  state.outputData = [];
  state.outputSize = 0;
  if (head !== null && state._headerSent) append(state.outputData, { data: head, encoding: 'latin1', callback: null });
  for (const write of body) append(state.outputData, write);
  for (const write of state.outputData) state.outputSize += write.data.length;
}

function append(output: PendingWrite[], write: PendingWrite): void {
  output.push(write);
}
