import { AsyncLocalStorage } from 'node:async_hooks';
import diagnosticsChannel from 'node:diagnostics_channel';
import { type Context, context, createContextKey } from '@opentelemetry/api';

/** The request id in an OpenTelemetry context, which code with a saved context carries even where async flow is lost. */
const REQUEST_ID = createContextKey('opentelemetry-instrumentation-resilience request.id');
const SERVER_REQUEST_START = 'http.server.request.start';
const MAX_LENGTH = 256;

/** Made at the first use: before Node 24 a running AsyncLocalStorage costs every promise of the process a little. */
let ids: AsyncLocalStorage<string | undefined> | undefined;

/**
 * Runs `fn` so that what this package tells of the calls made in it carries `request.id`. Works with and without an
 * OpenTelemetry SDK.
 */
export function withRequestContext<T>(id: string, fn: () => T): T {
  ids ??= new AsyncLocalStorage();
  return ids.run(id, () => context.with(context.active().setValue(REQUEST_ID, id), fn));
}

/** The id of the request being handled, as far as the flow of async calls tells. One comparison while none was ever set. */
export function currentRequestId(): string | undefined {
  return ids?.getStore();
}

/** The id that `caller` carries itself. */
export function requestIdIn(caller: Context): string | undefined {
  const id = caller.getValue(REQUEST_ID);
  return typeof id === 'string' ? id : undefined;
}

/**
 * Takes the request id of every request that an HTTP server of this process receives from its `header`. Opt-in, for it
 * keeps an AsyncLocalStorage running. Returns the undo.
 *
 * `enterWith` stays inside the callback in which Node hands over one parsed request head. As that can be the callback of
 * the same connection as last time, a request without the header resets what the one before it had set.
 */
export function watchIncomingRequestIds(header = 'x-request-id'): () => void {
  ids ??= new AsyncLocalStorage();
  const store = ids;
  const name = header.toLowerCase();
  const onRequest = (message: unknown) => {
    const { request } = message as { request: { headers: Record<string, unknown> } };
    const id = request.headers[name];
    store.enterWith(typeof id === 'string' && id.length > 0 ? id.slice(0, MAX_LENGTH) : undefined);
  };
  diagnosticsChannel.subscribe(SERVER_REQUEST_START, onRequest);
  return () => {
    diagnosticsChannel.unsubscribe(SERVER_REQUEST_START, onRequest);
  };
}
