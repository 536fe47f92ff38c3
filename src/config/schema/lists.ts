import type { StatusRange } from '../../strategies/verdict/options.ts';
import { type Kind, listOf } from './kind.ts';
import { type OptionText, type ValueOption, value } from './option.ts';
import { TOKEN, textKind } from './texts.ts';

/** Options that are lists. */

const STATUS = { min: 100, max: 999 };
const STATUS_RANGE = /^([1-9]\d\d)\s*-\s*([1-9]\d\d)$/;

const status: Kind<StatusRange> = {
  parse(given) {
    const match = typeof given === 'string' ? STATUS_RANGE.exec(given) : null;
    const [from, to] = match === null ? [given, given] : [Number(match[1]), Number(match[2])];
    return isStatus(from) && isStatus(to) && from <= to ? { from, to } : undefined;
  },
  expects: 'a status code or a range such as "500-599"',
  brief: '100 to 999',
  json: {
    anyOf: [
      { type: 'integer', minimum: STATUS.min, maximum: STATUS.max },
      { type: 'string', pattern: STATUS_RANGE.source },
    ],
  },
  type: 'Status',
  text: 'scalar',
  write: ({ from, to }) => (from === to ? from : `${from}-${to}`),
};

function isStatus(given: unknown): given is number {
  return Number.isInteger(given) && (given as number) >= STATUS.min && (given as number) <= STATUS.max;
}

export function statuses(text: OptionText): ValueOption<readonly StatusRange[]> {
  const expects = 'a list of status codes, each a number or a range such as "500-599"';
  return value(listOf(status, { max: 100 }, { expects, brief: 'status codes and ranges' }), text);
}

/** What tells one error from another: `ECONNRESET`, `UND_ERR_SOCKET`, `ERR_TLS_CERT_ALTNAME_INVALID`. */
export function errorCodes(text: OptionText): ValueOption<readonly string[]> {
  const code = textKind(/^\S{1,100}$/, { expects: 'an error code', brief: 'an error code' });
  const expects = 'a list of error codes such as ECONNRESET';
  return value(listOf(code, { max: 100 }, { expects, brief: 'error codes' }), text);
}

/** Methods are case-sensitive (RFC 9110 §9.1), but nobody who writes `get` means anything but GET. */
const method = textKind(TOKEN, { expects: 'an HTTP method', brief: 'an HTTP method' }, (name) => name.toUpperCase());

/** `whenEmpty`: what to write instead of an empty list. */
export function methods(whenEmpty: string, text: OptionText): ValueOption<readonly string[]> {
  const expects = 'a list of HTTP methods such as GET';
  return value(listOf(method, { min: 1, max: 50 }, { expects, brief: 'HTTP methods', whenEmpty }), text);
}

/** In lower case once read. */
export function headerNames(text: OptionText): ValueOption<readonly string[]> {
  const name = textKind(TOKEN, { expects: 'a header name', brief: 'a header name' }, (given) => given.toLowerCase());
  const expects = 'a list of header names such as x-acme-who';
  return value(listOf(name, { max: 100 }, { expects, brief: 'header names' }), text);
}
