import type http from 'node:http';
import type { CallOptions } from '../call/call-target.ts';
import { makeUnseen } from '../patch/client-channels.ts';
import type { HttpModule } from '../patch/patched-module.ts';
import { ClientRequest, internals, type RequestTaker } from './internals.ts';

/** What a request is given to instead of its agent. */
type AddRequest = (request: http.ClientRequest, options: object) => void;

/** The agent Node would use; undefined where `createConnection` takes its place. */
export function agentOf(options: CallOptions, module: HttpModule): http.Agent | undefined {
  const standard = options._defaultAgent ?? module.globalAgent;
  const { agent } = options;
  if (agent === false) return new (standard.constructor as new () => http.Agent)();
  if (agent !== undefined && agent !== null) return agent as http.Agent;
  return typeof options.createConnection === 'function' ? undefined : standard;
}

/** Stands in for `agent`, alike in all that a request asks of it, and passes requests to `addRequest`. */
export function agentProxy(agent: http.Agent | undefined, secure: boolean, addRequest: AddRequest): RequestTaker {
  const proxy: object =
    agent === undefined
      ? { keepAlive: false, maxSockets: Number.POSITIVE_INFINITY, ...schemeOf(secure) }
      : Object.create(agent);
  Object.defineProperty(proxy, 'addRequest', { value: addRequest, configurable: true, writable: true });
  return proxy as RequestTaker;
}

function schemeOf(secure: boolean): { protocol: string; defaultPort: number } {
  return secure ? { protocol: 'https:', defaultPort: 443 } : { protocol: 'http:', defaultPort: 80 };
}

/** Proxy agents tell by the stack whether https asks, and nothing of https is on it when we build a request ourselves. */
function fixScheme(proxy: RequestTaker, agent: http.Agent | undefined, secure: boolean): RequestTaker {
  for (let from: object | null = agent ?? null; from !== null; from = Object.getPrototypeOf(from)) {
    const descriptor = Object.getOwnPropertyDescriptor(from, 'protocol');
    if (descriptor === undefined) continue;
    if (descriptor.get === undefined) return proxy;
    for (const [name, value] of Object.entries(schemeOf(secure))) Object.defineProperty(proxy, name, { value });
    return proxy;
  }
  return proxy;
}

/** A genuine request that has no socket, nor is waiting for one: the state of one in its agent's queue. */
export function detachedRequest(
  module: HttpModule,
  secure: boolean,
  options: CallOptions,
  callback: ((response: http.IncomingMessage) => void) | undefined,
): http.ClientRequest {
  const agent = agentOf(options, module);
  const given = agent !== undefined && typeof (agent as Partial<RequestTaker>).addRequest !== 'function';
  // An agent that is none is for Node to refuse.
  const taker = given
    ? agent
    : fixScheme(
        agentProxy(agent, secure, () => {}),
        agent,
        secure,
      );
  const standard = options._defaultAgent ?? module.globalAgent;
  const made = { ...options, _defaultAgent: standard, agent: taker } as object as http.RequestOptions;
  const request = makeUnseen(() => new ClientRequest(made as never, callback));
  const state = internals(request);
  state.agent = agent;
  if (agent === undefined) {
    state._last = true;
    state.shouldKeepAlive = false;
  }
  return request;
}

/** Has `request` connected: by its agent, or as Node does it without one. */
export function connect(request: http.ClientRequest, agent: http.Agent | undefined, options: CallOptions): void {
  internals(request).agent = agent;
  if (agent !== undefined) {
    (agent as unknown as RequestTaker).addRequest(request, options);
    return;
  }
  const { createConnection, socketPath } = options;
  let done = false;
  const created = (error: Error | null, socket?: unknown): void => {
    if (done) return;
    done = true;
    internals(request).onSocket(error ? undefined : (socket as never), error);
  };
  try {
    const connectOptions = { ...options, agent: undefined, path: socketPath ?? undefined };
    const socket = createConnection?.(connectOptions as never, created as never);
    if (socket) created(null, socket);
  } catch (error) {
    created(error as Error);
  }
}
