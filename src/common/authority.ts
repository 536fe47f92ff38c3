/**
 * Hosts and ports in their written forms (RFC 3986 section 3.2). Inside this project a host has no brackets and a
 * protocol ends with its colon, as in Node's URL.
 */

export const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'ws:': 80, 'wss:': 443 };

/** The port that a URL of this protocol leaves out; undefined where there is none. */
export function defaultPort(protocol: string): number | undefined {
  return Object.hasOwn(DEFAULT_PORTS, protocol) ? DEFAULT_PORTS[protocol] : undefined;
}

/** `::1` of `[::1]`; any other host as it is. */
export function stripBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** `[::1]` of `::1`, as it stands in a URL or a `Host` field; any other host as it is. */
export function formatHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** `host:port`, always with the port. */
export function formatHostPort(host: string, port: number): string {
  return `${formatHost(host)}:${port}`;
}

/** Host and port as a URL or a `Host` field has them: without the protocol's default port. */
export function formatAuthority(protocol: string, host: string, port: number): string {
  return port === defaultPort(protocol) ? formatHost(host) : formatHostPort(host, port);
}

/** The one spelling of a host: lower case, without brackets and without the dot of a fully qualified name. */
export function normalizeHost(host: string): string {
  const bare = stripBrackets(host).toLowerCase();
  return bare.endsWith('.') ? bare.slice(0, -1) : bare;
}

export interface Place {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

/** Whether both are one origin (RFC 6454): same protocol, host and port, however the host is spelt. */
export function isSameOrigin(one: Place, other: Place): boolean {
  if (one.port !== other.port || one.protocol !== other.protocol) return false;
  return normalizeHost(one.host) === normalizeHost(other.host);
}
