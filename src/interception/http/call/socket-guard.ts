import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { RequestBrand } from '../patch/request-hooks.ts';

type ErrorListener = (this: Socket, error: Error) => void;

/** Node's own listeners on a client's socket. */
const NODES = new Set(['socketErrorListener', 'freeSocketErrorListener', 'onerror']);

const guards = new WeakSet<object>();

/**
 * Clients that listen for errors on the raw socket (axios does) would fail a call over the error of an attempt that is
 * being repeated. Such listeners are put behind Node's own and behind a guard: it asks the call the socket is in use for
 * whether the error is kept from the app, and if so leaves the listener to the call, to be run should the app get the
 * error after all.
 */
export function guardErrorListeners(socket: Socket): void {
  for (const listener of socket.rawListeners('error') as ErrorListener[]) {
    if (NODES.has(listener.name)) continue;
    const original = (listener as { listener?: ErrorListener }).listener ?? listener;
    socket.removeListener('error', original);
    socket.on('error', guards.has(listener) ? listener : guardOf(original, original !== listener));
  }
}

function guardOf(listener: ErrorListener, once: boolean): ErrorListener {
  const guard = Object.assign(
    function (this: Socket, error: Error): void {
      const { _httpMessage: request } = this as Socket & { _httpMessage?: ClientRequest | null };
      const run = (): void => {
        if (once) this.removeListener('error', listener);
        Reflect.apply(listener, this, [error]);
      };
      const hooks = request ? RequestBrand.of(request) : undefined;
      if (hooks?.keepsSocketError(error, run) !== true) run();
    },
    // As `once` does it: the app takes its listener off by the function it put on.
    { listener },
  );
  guards.add(guard);
  return guard;
}
