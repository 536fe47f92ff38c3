import type { URLPattern as UrlPattern } from 'urlpattern-polyfill';
import type { Origin } from '../strategies/shared/policy.ts';
import type { ComponentKind } from './matching/component.ts';
import { type Component, compileComponent } from './matching/matcher.ts';
import { originParts } from './origin-parts.ts';
import { type RequestTarget, readTarget } from './request-target.ts';

/** The groups of a URL by name, percent-decoded. */
export type Groups = Readonly<Record<string, string>>;

/** What a rule's `match.url` says, split into what an origin settles and what only a path does. */
export interface CallPattern {
  readonly names: readonly string[];
  /** The one origin it is for, as `originKey` writes it; undefined: there may be several. */
  readonly origin: string | undefined;
  matchesOrigin(origin: Origin): boolean;
  /** Undefined: every path. */
  readonly matchesTarget: ((target: RequestTarget) => boolean) | undefined;
  /** The same of path and query as a request has them. */
  readonly matchesPath: ((path: string) => boolean) | undefined;
  groups(url: string): Groups;
}

/** `*` and `(...)` in one component. */
const MAX_WILDCARDS = 2;

const PATHNAME: ComponentKind = { delimiter: '/', prefix: '/' };
const HOSTNAME: ComponentKind = { delimiter: '.', prefix: '' };
const OTHER: ComponentKind = { delimiter: '', prefix: '' };

const NO_GROUPS: Groups = Object.freeze({});
const MAX_URL_LENGTH = 16_384;

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
    origin: undefined,
    matchesOrigin: (origin) => (wildcard ? origin.name.startsWith(name) : origin.name === name),
    matchesTarget: undefined,
    matchesPath: undefined,
    groups: () => NO_GROUPS,
  };
}

/**
 * The library reads and checks the pattern. It does not match: its regular expressions go back over the text, so that
 * some paths would block the process for seconds.
 */
function compileUrlPattern(text: string): CallPattern {
  if (!/^[^/#]+:\/\//.test(text)) {
    throw new TypeError('it must begin with a scheme and a host (https://example.com/..., *://*:*/... for any)');
  }
  const URLPattern = loadUrlPattern();
  const parsed = new URLPattern(escapeIpv6(text));
  if (parsed.username !== '*' || parsed.password !== '*') throw new TypeError('it must not hold credentials');
  const protocol = compileComponent(parsed.protocol, OTHER);
  const hostname = compileComponent(parsed.hostname, HOSTNAME);
  const port = compileComponent(parsed.port, OTHER);
  const pathname = compileComponent(parsed.pathname, PATHNAME);
  const search = compileComponent(parsed.search, OTHER);
  const components = [protocol, hostname, port, pathname, search];
  if (components.some(({ wildcards }) => wildcards > MAX_WILDCARDS)) {
    throw new TypeError(
      `it may have no more than ${MAX_WILDCARDS} of * and (...) in its host, its path and its query each`,
    );
  }
  const anyPath = parsed.pathname === '*' || parsed.pathname === '/*';
  const anySearch = parsed.search === '*';
  const matchesTarget =
    anyPath && anySearch
      ? undefined
      : (target: RequestTarget): boolean =>
          pathname.matches(target.pathname) && (anySearch || search.matches(target.search));
  return {
    names: components.flatMap(({ names }) => names),
    origin: fixedOrigin(protocol, hostname, port),
    matchesOrigin(origin) {
      if (origin.name.startsWith('unix:')) return false; // a socket has no host
      const at = originParts(origin);
      return protocol.matches(at.protocol) && hostname.matches(at.hostname) && port.matches(at.port);
    },
    matchesTarget,
    matchesPath:
      matchesTarget &&
      ((path) => {
        const target = readTarget(path);
        return target !== undefined && matchesTarget(target);
      }),
    groups: (url) => groupsOf(components, url),
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

function fixedOrigin(protocol: Component, hostname: Component, port: Component): string | undefined {
  if (protocol.fixed === undefined || hostname.fixed === undefined || port.fixed === undefined) return undefined;
  return `${protocol.fixed}//${hostname.fixed}:${port.fixed}`;
}

function groupsOf(components: readonly Component[], text: string): Groups {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) return NO_GROUPS;
  const url = new URL(text);
  const texts = [url.protocol.slice(0, -1), url.hostname, url.port, url.pathname, url.search.slice(1)];
  const groups: [string, string][] = [];
  for (const [index, component] of components.entries()) {
    const captures = component.capture(texts[index] as string);
    if (captures === undefined) return NO_GROUPS;
    for (const [name, value] of captures) if (name !== '__proto__') groups.push([name, decode(value)]);
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
