import http, { type ClientRequest } from 'node:http';
import { internals } from './internals.ts';

const STORE = '_storeHeader';

const rendering = http.OutgoingMessage.prototype as unknown as Record<typeof STORE, unknown>;
const requests = http.ClientRequest.prototype as unknown as Record<typeof STORE, unknown>;

/** Whether somebody, such as Sentry on Node 20, takes the rendering of a request's head for its beginning. */
export function headsAreWatched(): boolean {
  return requests[STORE] !== rendering[STORE];
}

/** Shows a request that sends nothing itself to whoever watches. */
export function showHead(request: ClientRequest): void {
  const state = internals(request);
  if (headsAreWatched() && state._header === null) state._implicitHeader();
}

/** Has a request that is no attempt itself render its head unseen. Answers how to end that. */
export function hideHead(request: ClientRequest): () => void {
  Object.defineProperty(request, STORE, { value: rendering[STORE], configurable: true, writable: true });
  return () => {
    Reflect.deleteProperty(request, STORE);
  };
}
