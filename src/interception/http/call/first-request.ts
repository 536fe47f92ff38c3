import type { ClientRequest } from 'node:http';
import { addAbortSignal } from 'node:stream';
import type { ExchangeListener } from '../../../engine/exchange.ts';
import { internals } from '../node-internals/internals.ts';
import type { CallSite } from './call-site.ts';
import type { CallOptions, CallTarget } from './call-target.ts';

/**
 * Makes the caller's request as the first attempt of a call that may have more, as its context wants it. Without the
 * callback and the signal: both are the call's, and must not end with the first attempt.
 */
export function makeFirstRequest(
  target: CallTarget,
  site: CallSite,
  options: CallOptions,
  listener: ExchangeListener,
): ClientRequest {
  const { module, args, layers } = site;
  const { callback } = target;
  const { signal, ...unsignalled } = options;
  const made = signal === undefined ? args.filter((arg) => arg !== callback || callback === undefined) : [unsignalled];
  let request: ClientRequest | undefined;
  let refusal: { readonly error: unknown } | undefined;
  listener.withAttemptContext(() => {
    try {
      request = module.inner(made, layers);
    } catch (error) {
      refusal = { error };
    }
  });
  if (refusal !== undefined) throw refusal.error;
  return request ?? module.inner(made, layers);
}

/** Puts the callback and the signal on the request, as its constructor does. */
export function equipFirstRequest(request: ClientRequest, target: CallTarget, options: CallOptions): void {
  const { callback } = target;
  const { signal } = options;
  if (callback !== undefined) request.once('response', callback as never);
  // As in Node: null is none.
  if (signal) attachSignal(signal, request);
}

/** As the constructor does it, which at that point has not said yet that the request can be aborted. */
function attachSignal(signal: AbortSignal, request: ClientRequest): void {
  const state: { aborted: boolean | undefined } = internals(request);
  const { aborted } = state;
  state.aborted = undefined;
  try {
    addAbortSignal(signal, request);
  } catch (error) {
    // Not a signal: the caller gets this error, and no request that could end in another.
    request.on('error', () => {});
    request.destroy();
    throw error;
  } finally {
    state.aborted = aborted || state.aborted === true;
  }
}
