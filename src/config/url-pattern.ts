import type { URLPattern as UrlPattern } from 'urlpattern-polyfill';
import { defaultPort, formatHost } from '../common/authority.ts';
import type { Origin } from '../strategies/shared/policy.ts';

/** The groups of a URL by name, percent-decoded. */
export type Groups = Readonly<Record<string, string>>;

/** What a rule's `match.url` says, split into what an origin settles and what only a path does. */
export interface CallPattern {
  readonly names: readonly string[];
  matchesOrigin(origin: Origin): boolean;
  /** Undefined: every path. Takes path and query as a request has them. */
  readonly matchesPath: ((path: string) => boolean) | undefined;
  groups(url: string): Groups;
}

/** `*` and `(...)` in one path; each makes the time of a match grow by the length of the path once more. */
const MAX_WILDCARDS = 2;

/** Longer paths match only patterns that take every path: 8,000 octets are what RFC 9112 §3 asks servers to support. */
const MAX_PATH_LENGTH = 8_192;

const NO_GROUPS: Groups = Object.freeze({});

/** Throws what is wrong with `text`. */
export function compileCallPattern(text: string): CallPattern {
  return text.startsWith('unix:') ? compileSocketPattern(text) : compileUrlPattern(text);
}

/** `unix:/var/run/docker.sock`, or with a `*` at the end; a socket has no host that a URL pattern could name. */
function compileSocketPattern(text: string): CallPattern {
  const wildcard = text.endsWith('*');
  const name = wildcard ? text.slice(0, -1) : text;
  if (name.includes('*')) throw new TypeError('the path of a socket may have a * at its end only');
  return {
    names: [],
    matchesOrigin: (origin) => (wildcard ? origin.name.startsWith(name) : origin.name === name),
    matchesPath: undefined,
    groups: () => NO_GROUPS,
  };
}

function compileUrlPattern(text: string): CallPattern {
  if (!/^[^/#]+:\/\//.test(text)) {
    throw new TypeError('it must begin with a scheme and a host (https://example.com/..., *://*:*/... for any)');
  }
  const URLPattern = loadUrlPattern();
  const { protocol, username, password, hostname, port, pathname, search } = new URLPattern(escapeIpv6(text));
  if (username !== '*' || password !== '*') throw new TypeError('it must not hold credentials');
  const variables = [protocol, hostname, port, pathname, search].map(variablesOf);
  if (variables.some(({ wildcards }) => wildcards > MAX_WILDCARDS)) {
    throw new TypeError(
      `it may have no more than ${MAX_WILDCARDS} of * and (...) in its host, its path and its query each`,
    );
  }
  const origins = new URLPattern({ protocol, hostname, port });
  const whole = new URLPattern({ protocol, hostname, port, pathname, search });
  return {
    names: variables.flatMap(({ names }) => names),
    matchesOrigin: (origin) => matchesOrigin(origins, origin),
    matchesPath: pathMatcher(URLPattern, pathname, search),
    groups: (url) => groupsOf(whole, url),
  };
}

/**
 * The package's main file would define a global `URLPattern` where there is none, which apps must not see. Node's own,
 * where there is one, is left aside so that a configuration means the same on every version.
 */
function loadUrlPattern(): typeof UrlPattern {
  const { URLPattern } = require('urlpattern-polyfill/urlpattern') as { URLPattern: typeof UrlPattern };
  return URLPattern;
}

/** `[::1]` as one writes it; to a pattern each of its colons would begin a name. */
function escapeIpv6(text: string): string {
  return text.replace(/^([^/]+:\/\/)\[([0-9A-Fa-f:.]+)\]/, (_, scheme: string, address: string) => {
    return `${scheme}[${address.replaceAll(':', '\\:')}]`;
  });
}

function matchesOrigin(pattern: UrlPattern, { protocol, host, port, name }: Origin): boolean {
  if (name.startsWith('unix:')) return false; // a socket has no host
  const isDefault = port === defaultPort(protocol);
  const hostname = formatHost(host);
  try {
    return pattern.test({ protocol: protocol.replace(/:$/, ''), hostname, port: isDefault ? '' : String(port) });
  } catch {
    return false;
  }
}

function pathMatcher(URLPattern: typeof UrlPattern, pathname: string, search: string) {
  const anyPath = pathname === '*' || pathname === '/*';
  if (anyPath && search === '*') return undefined;
  const pattern = new URLPattern({ pathname, search });
  const fast = search === '*' ? simplePattern(pathname) : undefined;
  return (path: string): boolean => {
    if (path.length > MAX_PATH_LENGTH) return false;
    const url = path.startsWith('/') ? path : pathOfAbsolute(path);
    if (url === undefined) return false;
    const query = url.indexOf('?');
    const name = query === -1 ? url : url.slice(0, query);
    if (fast !== undefined && CANONICAL.test(name)) return fast.test(name);
    return testPath(pattern, url);
  };
}

function testPath(pattern: UrlPattern, path: string): boolean {
  try {
    const { pathname, search } = new URL(`http://localhost${path}`);
    // Of `//x` the library would take x for a host; `/.` in front of it goes away again.
    return pattern.test({ pathname: pathname.startsWith('//') ? `/.${pathname}` : pathname, search: search.slice(1) });
  } catch {
    return false;
  }
}

/** A proxy is asked with the whole URL in the request line; `*` (OPTIONS) and `host:port` (CONNECT) have no path. */
function pathOfAbsolute(path: string): string | undefined {
  if (!/^https?:\/\//i.test(path) || !URL.canParse(path)) return undefined;
  const url = new URL(path);
  return url.pathname + url.search;
}

/** What the URL standard would leave as it is: the regular expression below sees it as the pattern would. */
const CANONICAL = /^(?:\/(?!\.)[\w\-.~!$&'()*+,;=:@%]*)+$/;

/** The regular expression of a pattern of fixed text, `:name` and `*`: a twentieth of the time of the general one. */
function simplePattern(pathname: string): RegExp | undefined {
  if (!/^\/(?:[\w\-.~/%@!&=,;']|:[A-Za-z_]\w*|\*(?!\*))*$/.test(pathname) || /:\w+\*/.test(pathname)) return undefined;
  const source = pathname.replace(/:\w+|\*|[^\w/]/g, (part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

/** Counts what varies in a component, and names it. Escapes are fixed text, and so is what a regular group holds. */
function variablesOf(component: string): { readonly names: string[]; readonly wildcards: number } {
  const names: string[] = [];
  let wildcards = 0;
  let depth = 0;
  const tokens = component.matchAll(/\\.|[()*]|:([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)/gu);
  for (const [token, name] of tokens) {
    if (token === ')') depth--;
    else if (token === '(' && depth++ === 0) wildcards++;
    else if (depth === 0 && token === '*') wildcards++;
    else if (depth === 0 && name !== undefined) names.push(name);
  }
  return { names, wildcards };
}

function groupsOf(pattern: UrlPattern, url: string): Groups {
  if (url.length > MAX_PATH_LENGTH || !URL.canParse(url)) return NO_GROUPS;
  const result = pattern.exec(url);
  if (result === null) return NO_GROUPS;
  const groups: [string, string][] = [];
  for (const component of [result.protocol, result.hostname, result.port, result.pathname, result.search]) {
    for (const [name, value] of Object.entries(component.groups)) {
      const named = !/^\d+$/.test(name); // numbers are the groups without a name
      if (named && value !== undefined) groups.push([name, decode(value)]);
    }
  }
  return Object.fromEntries(groups);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // a stray % is itself
  }
}
