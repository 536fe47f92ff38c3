import { z } from 'zod';
import { defaultPort, formatAuthority, stripBrackets } from '../../common/authority.ts';
import { type OptionText, option } from './option.ts';

/** Where a fallback endpoint is, as `EndpointTarget` wants it. */
export interface EndpointAddress {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
}

const MAX_ENDPOINTS = 10; // each is one more attempt that a failing call may make

/** Undefined unless `text` is an absolute http(s) URL with nothing but an origin and a path. */
export function parseEndpoint(text: string): EndpointAddress | undefined {
  if (!/^https?:\/\/[^/?#\\]/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  // An empty query or fragment leaves no trace in the parsed URL.
  if (url.username !== '' || url.password !== '' || text.includes('?') || text.includes('#')) return undefined;
  const protocol = url.protocol === 'https:' ? 'https:' : 'http:';
  return {
    protocol,
    host: stripBrackets(url.hostname),
    port: url.port === '' ? (defaultPort(protocol) ?? 0) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
  };
}

/** As one would write it in the file. */
export function endpointText({ protocol, host, port, basePath }: EndpointAddress): string {
  return `${protocol}//${formatAuthority(protocol, host, port)}${basePath}`;
}

export function endpoints(about: OptionText) {
  const endpoint = z
    .string()
    .max(2_048)
    .regex(/^[hH][tT][tT][pP][sS]?:\/\/[^/?#\\@\s][^?#@\s]*$/)
    .transform((text) => parseEndpoint(text) as EndpointAddress)
    .refine((address) => address !== undefined);
  const expects = 'a list of absolute http(s) URLs without credentials, query and fragment';
  const form = { kind: 'value', text: 'list', holds: 'endpoints' } as const;
  return option(z.array(endpoint).max(MAX_ENDPOINTS), about, { form, expects });
}
