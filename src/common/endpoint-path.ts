/** A whole URL as the request target, as a client of a proxy gives it: up to where its path begins. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** What may be a `.` or `..` segment, to whichever server: some decode before they split, some take `\` for `/`. */
const DOT_SEGMENT = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i;

const DECODED: Readonly<Record<string, string>> = { '%2e': '.', '%2f': '/', '%5c': '/', '\\': '/' };

/**
 * The request target of a call at an endpoint: its path and query below the endpoint's base path, which no `..` leaves.
 * `basePath`: empty, or starting with `/` and not ending with it. `callPath`: as the app gave it, byte for byte where
 * that does no harm; of an absolute URL the path and query.
 */
export function joinEndpointPath(basePath: string, callPath: string): string {
  const target = callPath.replace(ABSOLUTE_FORM, '');
  // Of a server as a whole (`OPTIONS *`), not of a path.
  if (target === '*') return basePath === '' ? '*' : `${basePath}/`;
  const queryAt = target.search(/[?#]/);
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const query = queryAt < 0 ? '' : target.slice(queryAt);
  const rooted = path.startsWith('/') ? path : `/${path}`;
  // Without a base path there is nothing to leave.
  const safe = basePath !== '' && DOT_SEGMENT.test(rooted) ? withoutDotSegments(rooted) : rooted;
  return basePath + safe + query;
}

/** RFC 3986 section 5.2.4, in the reading of the server that sees the most dots. */
function withoutDotSegments(path: string): string {
  const decoded = path.replace(/%2e|%2f|%5c|\\/gi, (found) => DECODED[found.toLowerCase()] ?? found);
  const kept: string[] = [];
  const segments = decoded.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  const directory = last === '.' || last === '..';
  return `/${kept.join('/')}${directory && kept.length > 0 ? '/' : ''}`;
}
