import { AsyncResource } from 'node:async_hooks';
import type { ClientRequest } from 'node:http';
import type { Attempt, ExchangeListener } from '../../../engine/exchange.ts';
import { detachedRequest } from '../node-internals/detached-request.ts';
import { ClientRequest as NodeRequest } from '../node-internals/internals.ts';
import { copyOptions } from './call-target.ts';
import { DirectCall } from './direct-call.ts';
import { equipFirstRequest, makeFirstRequest } from './first-request.ts';
import type { HttpExchange } from './http-exchange.ts';
import { Relay } from './relay.ts';
import { RelayedCall } from './relayed-call.ts';

/** A call that is one attempt and no more: the caller's own request, made at once. */
export function startDirect(exchange: HttpExchange, listener: ExchangeListener, attempt: Attempt): ClientRequest {
  const { module, args, layers } = exchange.site;
  let request: ClientRequest | undefined;
  try {
    if (!listener.needsAttemptContext) request = module.inner(args, layers);
    else {
      listener.withAttemptContext(() => {
        request = module.inner(args, layers);
      });
    }
    request ??= module.inner(args, layers);
  } finally {
    // Not caught and thrown again: an app that dies of it is to be shown Node's line, not one of ours.
    if (request === undefined) listener.onAbort();
  }
  // A mock below us may return an object of its own, of which no patch will tell; an aborted signal destroys the
  // request inside its constructor.
  if (!(request instanceof NodeRequest) || request.destroyed) listener.onAbort();
  else {
    const call = new DirectCall(exchange, listener, attempt, request);
    exchange.attach(request, call, call);
  }
  return request;
}

/** A call that may have further attempts, the first of which is the caller's own request. */
export function startRelayed(exchange: HttpExchange, listener: ExchangeListener, first: Attempt): ClientRequest {
  const { target, site } = exchange;
  const options = copyOptions(target);
  // Now: when something has happened to the call, the context there is has a tracer's span of that attempt in it.
  const context = new AsyncResource('ResilientRequest');
  let request: ClientRequest | undefined;
  try {
    request = makeFirstRequest(target, site, options, listener);
  } finally {
    if (request === undefined) listener.onAbort();
  }
  if (request instanceof NodeRequest) {
    const call = new RelayedCall(new Relay(exchange, listener, { options, context }, request, first));
    exchange.attach(request, call, call.hooks);
  } else {
    listener.onAbort();
  }
  equipFirstRequest(request, target, options);
  return request;
}

/** A call that waits, or is refused: the caller gets a request without an attempt, and the engine goes on from there. */
export function startWaiting(exchange: HttpExchange, listener: ExchangeListener): ClientRequest {
  const { target, site } = exchange;
  const options = copyOptions(target);
  const context = new AsyncResource('ResilientRequest');
  let request: ClientRequest | undefined;
  try {
    const secure = site.module.protocol === 'https:';
    request = detachedRequest(site.module.module, secure, options, target.callback as never);
  } finally {
    if (request === undefined) listener.onAbort();
  }
  const call = new RelayedCall(new Relay(exchange, listener, { options, context }, request, undefined));
  exchange.attach(request, call, call.hooks);
  call.proceedFromStart();
  return request;
}
