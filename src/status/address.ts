import { isIP, isIPv4 } from 'node:net';
import { formatHostPort } from '../common/authority.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where to listen without a host being named. */
const LOOPBACK = '127.0.0.1';

/**
 * Reads `host:port`, `[::1]:port`, `:port` or `port`. Only an IP address or `localhost` is a host: any other name would
 * have to be looked up, and could be anywhere. Undefined: none of these.
 */
export function parseAddress(text: string): ListenAddress | undefined {
  const parts = /^(?:(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]*)):)?(?<port>\d{1,5})$/.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const port = Number(parts.port);
  if (port > 65_535) return undefined;
  const { v6, name } = parts;
  if (v6 !== undefined) return isIP(v6) === 6 ? { host: v6, port } : undefined;
  if (name === undefined || name === '' || name.toLowerCase() === 'localhost') return { host: LOOPBACK, port };
  return isIPv4(name) ? { host: name, port } : undefined;
}

/** `127.0.0.0/8`, `::1`, and the former as IPv6 has it. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain === '::1' || /^0*(:0*){6}:0*1$/.test(plain) || (isIPv4(plain) && plain.startsWith('127.'));
}

export function urlOf({ host, port }: ListenAddress): string {
  return `http://${formatHostPort(host, port)}/`;
}
