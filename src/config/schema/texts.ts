import { namesCaller } from '../../common/caller-identity.ts';
import { HOP_BY_HOP } from '../../common/http-fields.ts';
import { type Kind, orOff } from './kind.ts';
import { type OptionText, type ValueOption, value } from './option.ts';

/** Options that are texts, flags or one of a few words. */

export function flag(text: OptionText): ValueOption<boolean> {
  const kind: Kind<boolean> = {
    parse: (given) => (typeof given === 'boolean' ? given : undefined),
    expects: 'true or false',
    brief: 'true or false',
    json: { type: 'boolean' },
    type: 'boolean',
    text: 'scalar',
    choices: ['true', 'false'],
  };
  return value(kind, text);
}

export function choice<const T extends readonly string[]>(choices: T, text: OptionText): ValueOption<T[number]> {
  const words = choices.join(' or ');
  const kind: Kind<T[number]> = {
    parse: (given) => choices.find((one) => one === given),
    expects: words,
    brief: words,
    json: { type: 'string', enum: choices },
    type: choices.map((one) => `'${one}'`).join(' | '),
    text: 'scalar',
    choices,
  };
  return value(kind, text);
}

/** A text that `pattern` takes. */
export function textKind(
  pattern: RegExp,
  words: Pick<Kind<string>, 'expects' | 'brief'>,
  read: (given: string) => string | undefined = (given) => given,
): Kind<string> {
  return {
    parse: (given) => (typeof given === 'string' && pattern.test(given) ? read(given) : undefined),
    ...words,
    json: { type: 'string', pattern: pattern.source },
    type: 'string',
    text: 'scalar',
  };
}

/** RFC 9110 §5.6.2. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/** About one connection and the framing of a message in it: whoever writes the message states them. */
const FRAMING = new Set([...HOP_BY_HOP, 'content-length']);

/** What steers a request: an id in it would break calls. What names the caller would be shown as an id. */
const RESERVED = new Set([...FRAMING, 'host', 'expect']);

/** In lower case once read. */
export function headerNameOrOff(text: OptionText): ValueOption<string | false> {
  const expects = 'the name of a header such as x-request-id (none that HTTP itself or credentials need)';
  const read = (given: string): string | undefined => {
    const name = given.toLowerCase();
    return RESERVED.has(name) || namesCaller(name) ? undefined : name;
  };
  return value(orOff(textKind(TOKEN, { expects, brief: 'a header name' }, read)), text);
}

const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/; // RFC 9110 §5.5

export function headers(text: OptionText): ValueOption<Readonly<Record<string, string>>> {
  const isField = ([name, field]: [string, unknown]): boolean =>
    TOKEN.test(name) && !FRAMING.has(name.toLowerCase()) && typeof field === 'string' && FIELD_VALUE.test(field);
  const kind: Kind<Readonly<Record<string, string>>> = {
    parse(given) {
      if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
      return Object.entries(given).every(isField) ? (given as Record<string, string>) : undefined;
    },
    expects: `a map of header names to texts, without ${[...FRAMING].join(', ')}`,
    brief: 'a map of texts',
    json: {
      type: 'object',
      propertyNames: { type: 'string', pattern: TOKEN.source },
      additionalProperties: { type: 'string', pattern: FIELD_VALUE.source },
    },
    type: 'Readonly<Record<string, string>>',
    text: 'pairs',
  };
  return value(kind, text);
}

export function text({ max }: { readonly max: number }, about: OptionText): ValueOption<string> {
  const words = `a text of at most ${max} characters`;
  const kind: Kind<string> = {
    parse: (given) => (typeof given === 'string' && given.length <= max ? given : undefined),
    expects: words,
    brief: words,
    json: { type: 'string', maxLength: max },
    type: 'string',
    text: 'scalar',
  };
  return value(kind, about);
}

const LABEL = /^[^\p{Cc}\s](?:[^\p{Cc}]{0,198}[^\p{Cc}\s])?$/u;

/** A name of the operator's choice, as telemetry will show it. */
export function label(about: OptionText): ValueOption<string> {
  const expects = 'a name of 1 to 200 characters on one line';
  return value(textKind(LABEL, { expects, brief: expects }), about);
}

export function anyJson(about: OptionText): ValueOption<unknown> {
  const kind: Kind<unknown> = {
    parse: (given) => (isJson(given) ? given : undefined),
    expects: 'a value that JSON can hold',
    brief: 'any JSON',
    json: {},
    type: 'unknown',
    text: 'json',
  };
  return value(kind, about);
}

/** Of data that the reader has copied: without cycles, maps are plain. */
function isJson(given: unknown): boolean {
  if (given === null || typeof given === 'boolean' || typeof given === 'string') return true;
  if (typeof given === 'number') return Number.isFinite(given);
  if (typeof given !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(given);
  const isData = Array.isArray(given) || prototype === null || Object.getPrototypeOf(prototype) === null;
  return isData && Object.values(given).every(isJson);
}
