import { toOrigin } from '../engine/origin-table.ts';
import type { Origin } from '../strategies/shared/policy.ts';
import { UsageError } from './command.ts';

/** A call that somebody asks about, as the clients would tell the engine of it. */
export interface AskedCall {
  readonly method: string;
  /** Without credentials and fragment. */
  readonly url: string;
  readonly origin: Origin;
  /** With the query. */
  readonly path: string;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 9110 §5.6.2
const METHOD_EXPECTED = 'expected an HTTP method such as GET';
const URL_EXPECTED = 'expected an absolute URL such as https://api.example.com/users/42, or unix:<path of a socket>';

export function readCall(method: string, url: string): AskedCall {
  if (!TOKEN.test(method)) throw new UsageError(`<METHOD> is ${JSON.stringify(method)}: ${METHOD_EXPECTED}`);
  return { method: method.toUpperCase(), ...readUrl(url) };
}

function readUrl(text: string): Omit<AskedCall, 'method'> {
  if (text.startsWith('unix:/')) {
    return { url: text, origin: toOrigin('http:', text.slice('unix:'.length), 0), path: '/' };
  }
  // `http:example.com` parses too; nobody who writes that means what comes of it.
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text) || !URL.canParse(text)) {
    throw new UsageError(`<url> is ${JSON.stringify(withoutCredentials(text))}: ${URL_EXPECTED}`);
  }
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError(`<url> is of the scheme ${JSON.stringify(url.protocol)}: expected http: or https:`);
  }
  const origin = toOrigin(url.protocol, url.hostname, Number(url.port));
  const path = url.pathname + url.search;
  return { url: url.origin + path, origin, path };
}

function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//…@');
}
