import type { EndpointTarget } from '../../strategies/shared/contract.ts';
import type { Dispatcher, DispatchOptions } from './undici-types.ts';

/** Where a call goes, in the engine's terms. */
export interface Destination {
  readonly protocol: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** The dispatcher goes to this one place, whatever the options say: a client or a pool. */
  readonly bound: boolean;
}

const MAX_ORIGINS = 1000;

const origins = new Map<string, Destination | undefined>();
/** False: the dispatcher goes where the options say. Undefined within: the place is none of ours. */
const dispatchers = new WeakMap<Dispatcher, Destination | undefined | false>();

/** Undefined: not a plain http(s) destination, or not one that can be told; the call is not ours. */
export function destinationOf(dispatcher: Dispatcher, options: DispatchOptions): Destination | undefined {
  let fixed = dispatchers.get(dispatcher);
  if (fixed === undefined && !dispatchers.has(dispatcher)) {
    fixed = inspect(dispatcher);
    dispatchers.set(dispatcher, fixed);
  }
  if (fixed !== false) return fixed;
  const { origin } = options;
  if (typeof origin === 'string') return lookUp(origin);
  return origin instanceof URL ? lookUp(origin.origin) : undefined;
}

/** The origin of a fallback endpoint, as undici wants it. */
export function originOf(target: EndpointTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `${target.protocol}//${host}:${target.port}`;
}

export function sameOrigin(target: EndpointTarget, from: Destination): boolean {
  return target.protocol === from.protocol && target.host === from.host && target.port === from.port;
}

function inspect(dispatcher: Dispatcher): Destination | undefined | false {
  // A balanced pool chooses among origins of its own; its pools, which come next, know theirs.
  if ('addUpstream' in dispatcher) return undefined;
  for (const key of Object.getOwnPropertySymbols(dispatcher)) {
    if (key.description !== 'url') continue;
    const url: unknown = Reflect.get(dispatcher, key);
    if (url instanceof URL) return parse(url, true);
  }
  return false;
}

function lookUp(origin: string): Destination | undefined {
  const known = origins.get(origin);
  if (known !== undefined || origins.has(origin)) return known;
  const destination = URL.canParse(origin) ? parse(new URL(origin), false) : undefined;
  if (origins.size >= MAX_ORIGINS) origins.clear();
  origins.set(origin, destination);
  return destination;
}

function parse(url: URL, bound: boolean): Destination | undefined {
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { protocol, host, port, bound };
}
