/** Directives of a `Cache-Control` field by lower-case name; a directive without a value is ''. */
export type Directives = ReadonlyMap<string, string>;

/** `pragma` counts only where there is no `Cache-Control` (RFC 9111 §5.4). */
export function parseDirectives(cacheControl: string | undefined, pragma: string | undefined): Directives {
  const directives = new Map<string, string>();
  if (cacheControl === undefined) {
    if (pragma !== undefined && /\bno-cache\b/i.test(pragma)) directives.set('no-cache', '');
    return directives;
  }
  // A quoted list of field names may hold commas; the parts it falls into name no directive.
  for (const part of cacheControl.split(',')) {
    const at = part.indexOf('=');
    const name = (at < 0 ? part : part.slice(0, at)).trim().toLowerCase();
    const value =
      at < 0
        ? ''
        : part
            .slice(at + 1)
            .trim()
            .replace(/^"|"$/g, '');
    // Of a directive that is given twice the first counts (RFC 9111 §4.2.1).
    if (name !== '' && !directives.has(name)) directives.set(name, value);
  }
  return directives;
}

/** Seconds a directive gives; undefined without the directive. What is no number is 0, the strictest (RFC 9111 §4.2.1). */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name);
  if (value === undefined) return undefined;
  return /^\d+$/.test(value) ? Number(value) : 0;
}

/** Whether a stored response may not be used once it is stale, cut off or not (RFC 9111 §4.2.4). */
export function forbidsStale(directives: Directives, shared: boolean): boolean {
  if (directives.has('must-revalidate')) return true;
  // `s-maxage` implies `proxy-revalidate` (RFC 9111 §5.2.2.10); both are for shared caches.
  return shared && (directives.has('proxy-revalidate') || directives.has('s-maxage'));
}
