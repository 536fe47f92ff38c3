/** What a request asks its origin for, as the URL standard would write it. */
export interface RequestTarget {
  readonly pathname: string;
  /** Without the question mark. */
  readonly search: string;
}

/** Longer paths match only patterns that take every path: 8,000 octets are what RFC 9112 §3 asks servers to support. */
const MAX_PATH_LENGTH = 8_192;

/** Paths and queries that the URL standard leaves as they are; parsing a URL takes five times as long. */
const CANONICAL_PATH = /^(?:\/(?!\.|%2[eE])[\w\-.~!$&'()*+,;=:@%]*)+$/;
const CANONICAL_QUERY = /^[\w\-.~!$&()*+,;=:@%/?]*$/;

/** Undefined: the path is none that a URL pattern could match (`*` of OPTIONS, `host:port` of CONNECT), or too long. */
export function readTarget(path: string): RequestTarget | undefined {
  if (path.length > MAX_PATH_LENGTH) return undefined;
  const query = path.indexOf('?');
  const pathname = query === -1 ? path : path.slice(0, query);
  const search = query === -1 ? '' : path.slice(query + 1);
  if (CANONICAL_PATH.test(pathname) && CANONICAL_QUERY.test(search)) return { pathname, search };
  if (path.startsWith('/')) return parse(`http://localhost${path}`);
  // A proxy is asked with the whole URL in the request line.
  return /^https?:\/\//i.test(path) ? parse(path) : undefined;
}

function parse(text: string): RequestTarget | undefined {
  if (!URL.canParse(text)) return undefined;
  const { pathname, search } = new URL(text);
  return { pathname, search: search.slice(1) };
}
