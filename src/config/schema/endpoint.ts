import { defaultPort, formatAuthority, stripBrackets } from '../../common/authority.ts';
import { type Kind, listOf } from './kind.ts';
import { type OptionText, type ValueOption, value } from './option.ts';

/** Where a fallback endpoint is, as `EndpointTarget` wants it. */
export interface EndpointAddress {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
}

const MAX_ENDPOINTS = 10; // each is one more attempt that a failing call may make
const MAX_LENGTH = 2_048;
const ENDPOINT = /^[hH][tT][tT][pP][sS]?:\/\/[^/?#\\@\s][^?#@\s]*$/;

const endpoint: Kind<EndpointAddress> = {
  parse: (given) => (typeof given === 'string' ? parseEndpoint(given) : undefined),
  expects: 'an absolute http(s) URL without credentials, query and fragment',
  brief: 'an absolute URL',
  json: { type: 'string', maxLength: MAX_LENGTH, pattern: ENDPOINT.source },
  type: 'string',
  text: 'scalar',
  secret: true,
  write: endpointText,
};

/** Undefined unless `text` is an absolute http(s) URL with nothing but an origin and a path. */
function parseEndpoint(text: string): EndpointAddress | undefined {
  if (text.length > MAX_LENGTH || !ENDPOINT.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const protocol = url.protocol === 'https:' ? 'https:' : 'http:';
  return {
    protocol,
    host: stripBrackets(url.hostname),
    port: url.port === '' ? (defaultPort(protocol) ?? 0) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
  };
}

/** As one would write it in the file. */
function endpointText({ protocol, host, port, basePath }: EndpointAddress): string {
  return `${protocol}//${formatAuthority(protocol, host, port)}${basePath}`;
}

export function endpoints(about: OptionText): ValueOption<readonly EndpointAddress[]> {
  const expects = 'a list of absolute http(s) URLs without credentials, query and fragment';
  return value(listOf(endpoint, { max: MAX_ENDPOINTS }, { expects, brief: 'absolute URLs' }), about);
}
