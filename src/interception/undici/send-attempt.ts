import { isSameOrigin } from '../../common/authority.ts';
import { joinEndpointPath } from '../../common/endpoint-path.ts';
import type { EndpointTarget } from '../../strategies/shared/contract.ts';
import type { Call } from './call.ts';
import { type Destination, originOf } from './destination.ts';
import { headersForOther } from './request-headers.ts';
import { dispatchWatched, isWatching } from './sent-headers.ts';
import type { UndiciInstance } from './undici-instance.ts';
import { ATTEMPT, type Dispatcher, type DispatchOptions } from './undici-types.ts';
import type { WireAttempt } from './wire-attempt.ts';

/** Dispatches an attempt past our patch. May throw. */
export function sendAttempt(wire: WireAttempt): boolean {
  const { call } = wire;
  const { instance, destination } = call.input;
  const { target } = wire.attempt.endpoint;
  const elsewhere = target !== undefined && destination.bound;
  const dispatcher = elsewhere ? roamingDispatcher(instance) : call.input.dispatcher;
  const options = optionsOf(call, wire, target);
  const handler = call.caller.wireFor(wire);
  if (!isWatching()) return Reflect.apply(instance.original, dispatcher, [options, handler]);
  return dispatchWatched(wire, () => Reflect.apply(instance.original, dispatcher, [options, handler]));
}

type OwnOptions = { -readonly [K in keyof DispatchOptions]: DispatchOptions[K] };

function optionsOf(call: Call, wire: WireAttempt, target: EndpointTarget | undefined): DispatchOptions {
  const { options, destination } = call.input;
  // The mark goes first: after a spread it costs Node 20 the best part of a microsecond.
  const own: OwnOptions = { [ATTEMPT]: wire, ...options };
  if (call.body !== undefined) own.body = call.body.forAttempt();
  if (target !== undefined) divert(own, destination, target);
  return own;
}

/** Same method, query and body; the endpoint's own `Host` and TLS name. */
function divert(options: OwnOptions, from: Destination, to: EndpointTarget): void {
  options.origin = originOf(to);
  options.path = joinEndpointPath(to.basePath, options.path);
  options.headers = headersForOther(options.headers, isSameOrigin(to, from) ? { forwardCredentials: true } : to);
  // Undefined makes undici take the name from the origin.
  options.servername = undefined;
}

/** A client or a pool goes to one origin only. */
function roamingDispatcher(instance: UndiciInstance): Dispatcher {
  const agent = instance.agent();
  if (agent === undefined) throw new Error('this copy of undici shows no Agent class to reach another origin with');
  return agent;
}
