import type { Agent, ClientRequest, RequestOptions } from 'node:http';
import { isIPv6 } from 'node:net';
import { URL, urlToHttpOptions } from 'node:url';

export type Protocol = 'http:' | 'https:';

/** What apps may give: Node reads more from the options than its types say. */
export type CallOptions = RequestOptions & {
  readonly _defaultAgent?: Agent;
  readonly servername?: string;
};

/** What of a module goes into how its calls are read. */
export interface ModuleDefaults {
  readonly protocol: Protocol;
  readonly globalAgent: Agent;
}

export type ResponseCallback = Parameters<ClientRequest['once']>[1];

/** The arguments of one call of `request`, read as Node reads them, as far as routing needs. */
export interface CallTarget {
  readonly url: URL | undefined;
  readonly options: CallOptions | undefined;
  readonly callback: ResponseCallback | undefined;
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
}

/** As in Node: another realm's URL will do, a legacy `url.parse` result is a plain options object. */
function isUrl(input: unknown): input is URL {
  if (input instanceof URL) return true;
  const url = input as { href?: unknown; protocol?: unknown; auth?: unknown; path?: unknown } | null | undefined;
  return Boolean(url?.href && url.protocol && url.auth === undefined && url.path === undefined);
}

function withoutBrackets(host: string): string {
  return host.charCodeAt(0) === 91 /* [ */ ? host.slice(1, -1) : host;
}

/** What no host name or address has in it: Node refuses some of these, and none is to be shown anywhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is meant
const FORBIDDEN = /[\u0000-\u0020"#%/<>?@[\\\]^`{|}\u007f]/;

/** Lower case and without brackets; undefined if it is none. */
function hostOf(given: unknown): string | undefined {
  if (typeof given !== 'string') return undefined;
  const host = withoutBrackets(given);
  if (host.includes(':')) return isIPv6(host) ? host.toLowerCase() : undefined;
  return FORBIDDEN.test(host) ? undefined : host.toLowerCase();
}

const LAST_PORT = 65_535;

/** As Node merges the two: what the options have, be it undefined, goes before what the URL says. */
function optionOf(
  options: CallOptions | undefined,
  name: 'hostname' | 'port' | 'protocol' | 'path',
  url: unknown,
): unknown {
  return options !== undefined && Object.hasOwn(options, name) ? options[name] : url;
}

/** Undefined for arguments that Node will refuse: it says so best itself. */
export function readTarget(module: ModuleDefaults, args: readonly unknown[]): CallTarget | undefined {
  let [input, options, callback] = args as [unknown, unknown, unknown];
  let url: URL | undefined;
  if (typeof input === 'string') {
    try {
      url = new URL(input);
    } catch {
      return undefined;
    }
  } else if (isUrl(input)) {
    url = input;
  } else {
    callback = options;
    options = input;
    input = undefined;
  }
  if (typeof options === 'function') {
    callback = options;
    options = undefined;
  }
  if (typeof options !== 'object' && options !== undefined) return undefined;
  return targetOf(module, url, (options ?? undefined) as CallOptions | undefined, callback as ResponseCallback);
}

function targetOf(
  module: ModuleDefaults,
  url: URL | undefined,
  options: CallOptions | undefined,
  callback: ResponseCallback | undefined,
): CallTarget | undefined {
  const method = options?.method ?? 'GET';
  if (typeof method !== 'string') return undefined;
  const protocol = String(optionOf(options, 'protocol', url?.protocol) || module.protocol);
  const place = placeOfAgent(options, module);
  const socketPath = place?.socketPath ?? options?.socketPath;
  const host = socketPath ? String(socketPath) : hostOf(place?.host || hostnameOf(options, url));
  const port = socketPath ? 0 : portOf(place, options, url, protocol);
  if (host === undefined || !(port >= 0 && port <= LAST_PORT)) return undefined;
  const path = optionOf(options, 'path', url && url.pathname + url.search);
  return {
    url,
    options,
    callback: typeof callback === 'function' ? callback : undefined,
    protocol,
    host,
    port,
    method: method === '' ? 'GET' : method.toUpperCase(),
    path: path ? String(path) : '/',
  };
}

function hostnameOf(options: CallOptions | undefined, url: URL | undefined): unknown {
  return optionOf(options, 'hostname', url?.hostname) || options?.host || 'localhost';
}

function portOf(
  place: Place | undefined,
  options: CallOptions | undefined,
  url: URL | undefined,
  protocol: string,
): number {
  const given = place?.port || optionOf(options, 'port', url?.port) || options?.defaultPort;
  return given ? Number(given) : protocol === 'https:' ? 443 : 80;
}

interface Place {
  readonly socketPath?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
}

/** Where an agent connects to, whatever it is asked for: in Node, its options go before those of the call. */
function placeOfAgent(options: CallOptions | undefined, module: ModuleDefaults): Place | undefined {
  const agent: unknown = options?.agent;
  if (agent === false) return undefined;
  if (agent) return (agent as { readonly options?: Place }).options;
  if (typeof options?.createConnection === 'function') return undefined;
  return ((options?._defaultAgent ?? module.globalAgent) as { readonly options?: Place } | undefined)?.options;
}

/** A copy of all options, taken while the call is made: callers are known to change theirs once `request` has returned. */
export function copyOptions(target: CallTarget): CallOptions {
  return Object.assign({}, target.url && urlToHttpOptions(target.url), target.options) as CallOptions;
}

/** A header of the call as its options give it; `name` in lower case. For before there is a request to ask. */
export function optionsHeader(target: CallTarget, name: string): string | undefined {
  const headers: unknown = target.options?.headers;
  const found: string[] = [];
  for (const [key, value] of headerEntries(headers)) {
    if (key.toLowerCase() !== name || value === undefined) continue;
    found.push(Array.isArray(value) ? value.join(', ') : String(value));
  }
  if (found.length > 0) return found.join(', ');
  if (name !== 'authorization') return undefined;
  const auth = target.options?.auth ?? (target.url && urlToHttpOptions(target.url).auth);
  return auth ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined;
}

/** Headers as Node takes them: an object, a flat array of names and values, or an array of pairs. */
export function headerEntries(headers: unknown): Array<readonly [name: string, value: unknown]> {
  if (!Array.isArray(headers)) return headers ? Object.entries(headers) : [];
  if (Array.isArray(headers[0])) return headers.map((pair: unknown[]) => [String(pair[0]), pair[1]] as const);
  const pairs: Array<readonly [string, unknown]> = [];
  for (let i = 0; i + 1 < headers.length; i += 2) pairs.push([String(headers[i]), headers[i + 1]]);
  return pairs;
}
