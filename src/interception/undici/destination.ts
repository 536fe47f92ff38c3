import { defaultPort, formatHostPort, stripBrackets } from '../../common/authority.ts';
import type { EndpointTarget } from '../../strategies/shared/contract.ts';
import { NO_TIES, type Ties, tiesOf } from './connect-options.ts';
import type { Dispatcher, DispatchOptions } from './undici-types.ts';

/** Where a call goes, in the engine's terms. */
export interface Destination {
  readonly protocol: string;
  /** Without brackets; the path of a socket, if the dispatcher's connections go to one. */
  readonly host: string;
  readonly port: number;
  /** The dispatcher goes to this one place, whatever the options say: a client or a pool. */
  readonly bound: boolean;
  /** See `CallInfo`. */
  readonly pinned: boolean;
  readonly credentials: string | undefined;
}

const MAX_ORIGINS = 1000;

/** What a dispatcher itself says of where its calls go. */
interface Route {
  /** It goes to this one place, whatever the options say. Null: to one that is none of ours. */
  readonly fixed: Destination | null | undefined;
  readonly ties: Ties;
  /** By origin, of the dispatchers that go where the options say; shared by all without ties. */
  readonly origins: Map<string, Destination | undefined>;
}

const untiedOrigins = new Map<string, Destination | undefined>();
const routes = new WeakMap<Dispatcher, Route>();

/** Undefined: not a plain http(s) destination, or not one that can be told; the call is not ours. */
export function destinationOf(dispatcher: Dispatcher, options: DispatchOptions): Destination | undefined {
  let route = routes.get(dispatcher);
  if (route === undefined) {
    route = routeOf(dispatcher);
    routes.set(dispatcher, route);
  }
  if (route.fixed !== undefined) return route.fixed ?? undefined;
  const { origin } = options;
  if (typeof origin === 'string') return lookUp(route, origin);
  return origin instanceof URL ? lookUp(route, origin.href) : undefined;
}

/** The origin of a fallback endpoint, as undici wants it. */
export function originOf(target: EndpointTarget): string {
  return `${target.protocol}//${formatHostPort(target.host, target.port)}`;
}

function routeOf(dispatcher: Dispatcher): Route {
  // A balanced pool chooses among origins of its own; its pools, which come next, know theirs.
  if ('addUpstream' in dispatcher) return { fixed: null, ties: NO_TIES, origins: untiedOrigins };
  const ties = tiesOf(dispatcher);
  const origins = ties === NO_TIES ? untiedOrigins : new Map<string, Destination | undefined>();
  for (const key of Object.getOwnPropertySymbols(dispatcher)) {
    if (key.description !== 'url') continue;
    const url: unknown = Reflect.get(dispatcher, key);
    if (url instanceof URL) return { fixed: parse(url, ties, true) ?? null, ties, origins };
  }
  return { fixed: undefined, ties, origins };
}

function lookUp({ origins, ties }: Route, origin: string): Destination | undefined {
  const known = origins.get(origin);
  if (known !== undefined || origins.has(origin)) return known;
  const destination = URL.canParse(origin) ? parse(new URL(origin), ties, false) : undefined;
  if (origins.size >= MAX_ORIGINS) origins.clear();
  origins.set(origin, destination);
  return destination;
}

function parse(url: URL, ties: Ties, bound: boolean): Destination | undefined {
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const { pinned, socketPath } = ties;
  const userinfo = url.username === '' && url.password === '' ? undefined : `${url.username}:${url.password}`;
  const credentials = userinfo === undefined ? ties.credentials : `${userinfo};${ties.credentials ?? ''}`;
  if (socketPath !== undefined) return { protocol, host: socketPath, port: 0, bound, pinned, credentials };
  const host = stripBrackets(url.hostname);
  const port = url.port === '' ? (defaultPort(protocol) ?? 0) : Number(url.port);
  return { protocol, host, port, bound, pinned, credentials };
}
