import type { EndpointTarget } from '../../strategies/shared/contract.ts';
import type { Call } from './call.ts';
import { type Destination, originOf, sameOrigin } from './origin.ts';
import { headersForOther } from './request-headers.ts';
import { dispatchWatched, isWatching } from './sent-headers.ts';
import type { Copy } from './undici-instance.ts';
import { ATTEMPT, type Dispatcher, type DispatchOptions } from './undici-types.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** Dispatches an attempt past our patch; `target` is a fallback endpoint. May throw. */
export function transmit(call: Call, attempt: WireAttempt, target: EndpointTarget | undefined): boolean {
  const { copy, body } = call;
  let { options, dispatcher } = call;
  if (target !== undefined) {
    options = diverted(options, call.destination, target);
    if (call.destination.bound) dispatcher = roamingDispatcher(copy);
  }
  // The mark goes first: after a spread it costs Node 20 the best part of a microsecond.
  const marked =
    body === undefined
      ? { [ATTEMPT]: attempt, ...options }
      : { [ATTEMPT]: attempt, ...options, body: body.forAttempt() };
  if (!isWatching()) return Reflect.apply(copy.original, dispatcher, [marked, attempt]);
  return dispatchWatched(attempt, () => Reflect.apply(copy.original, dispatcher, [marked, attempt]));
}

/** Same method, query and body; the endpoint's own `Host` and TLS name. */
function diverted(options: DispatchOptions, from: Destination, target: EndpointTarget): DispatchOptions {
  const home = sameOrigin(target, from);
  return {
    ...options,
    origin: originOf(target),
    path: target.basePath + options.path,
    headers: headersForOther(options.headers, home ? { forwardCredentials: true } : target),
    // Undefined makes undici take the name from the origin.
    servername: undefined,
  };
}

/** A client or a pool goes to one origin only. */
function roamingDispatcher(copy: Copy): Dispatcher {
  const agent = copy.agent();
  if (agent === undefined) throw new Error('this copy of undici shows no Agent class to reach another origin with');
  return agent;
}
