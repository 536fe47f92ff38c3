import type { Agent, ClientRequest, RequestOptions } from 'node:http';
import { URL, urlToHttpOptions } from 'node:url';

export type Protocol = 'http:' | 'https:';

/** What apps may give: Node reads more from the options than its types say. */
export type CallOptions = RequestOptions & {
  readonly _defaultAgent?: Agent;
  readonly servername?: string;
};

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

function portOf(options: CallOptions | undefined, url: URL | undefined, protocol: string): number {
  const given = options?.port || url?.port || options?.defaultPort;
  return given ? Number(given) : protocol === 'https:' ? 443 : 80;
}

/** Undefined for arguments that Node will refuse: it says so best itself. */
export function readTarget(protocolOfModule: Protocol, args: readonly unknown[]): CallTarget | undefined {
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
  return targetOf(
    protocolOfModule,
    url,
    (options ?? undefined) as CallOptions | undefined,
    callback as ResponseCallback,
  );
}

function targetOf(
  protocolOfModule: Protocol,
  url: URL | undefined,
  options: CallOptions | undefined,
  callback: ResponseCallback | undefined,
): CallTarget | undefined {
  const method = options?.method ?? 'GET';
  const hostname = options?.hostname || options?.host || url?.hostname || 'localhost';
  if (typeof method !== 'string' || typeof hostname !== 'string') return undefined;
  const protocol = options?.protocol || url?.protocol || protocolOfModule;
  const path = options?.path ?? (url === undefined ? '/' : url.pathname + url.search);
  const socketPath = options?.socketPath;
  return {
    url,
    options,
    callback: typeof callback === 'function' ? callback : undefined,
    protocol,
    host: socketPath ? socketPath : withoutBrackets(hostname).toLowerCase(),
    port: socketPath ? 0 : portOf(options, url, protocol),
    method: method === '' ? 'GET' : method.toUpperCase(),
    path: path === '' ? '/' : String(path),
  };
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
