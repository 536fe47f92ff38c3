import type { Dispatcher } from './undici-types.ts';

/** A call that undici does not know of at the moment: it waits for its turn, or for another attempt. */
export interface Waiting {
  dispatcherDestroyed(error: Error | undefined): void;
}

interface WaitingRoom {
  readonly calls: Set<Waiting>;
  /** To be done when the last call has gone. */
  readonly closers: Array<() => void>;
}

const rooms = new WeakMap<Dispatcher, WaitingRoom>();

export function addWaiting(dispatcher: Dispatcher, call: Waiting): void {
  let room = rooms.get(dispatcher);
  if (room === undefined) {
    room = { calls: new Set(), closers: [] };
    rooms.set(dispatcher, room);
  }
  room.calls.add(call);
}

/** Once undici has the call, or the caller its end. */
export function removeWaiting(dispatcher: Dispatcher, call: Waiting): void {
  const room = rooms.get(dispatcher);
  if (room === undefined || !room.calls.delete(call) || room.calls.size > 0) return;
  rooms.delete(dispatcher);
  for (const close of room.closers) queueMicrotask(close);
}

/** `destroy` ends what waits, as it ends what undici has queued. */
export function destroyWaiting(dispatcher: Dispatcher, error: Error | undefined): void {
  const room = rooms.get(dispatcher);
  if (room !== undefined) for (const call of Array.from(room.calls)) call.dispatcherDestroyed(error);
}

/** `close` lets what waits be done first, as it does with what undici has queued. False: nothing waits. */
export function closeAfterWaiting(dispatcher: Dispatcher, close: () => void): boolean {
  const room = rooms.get(dispatcher);
  if (room === undefined) return false;
  room.closers.push(close);
  return true;
}
