/** Field names and values of substitutes: what may stand in a response of ours, and what must not. */

export type Field = readonly [name: string, value: string];

/** Names of fields that are about one connection or its framing (RFC 9110 §7.6.1), never about the answer. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Tells which substitute the app got: `endpoint`, `cache` or `degraded`. */
export const SOURCE_HEADER = 'resilience-source';

export function isFieldName(name: string): boolean {
  return TOKEN.test(name);
}

export function isFieldValue(value: string): boolean {
  return VALUE.test(value);
}

/** A response of this status has no body, and no `content-length` either (RFC 9110 §8.6). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** A response of this status has an empty body (RFC 9110 §15.3.6). */
export function isEmptied(status: number): boolean {
  return status === 205 || isBodiless(status);
}

/** The fields that go from one connection to another, without the length: that is ours to state. Lower-case names. */
export function endToEnd(fields: Iterable<Field>): Field[] {
  const kept: Field[] = [];
  let connection = '';
  for (const [given, value] of fields) {
    const name = given.toLowerCase();
    if (name === 'connection') connection += `${value},`;
    else if (!HOP_BY_HOP.has(name) && name !== 'content-length') kept.push([name, value]);
  }
  // Nearly always it names nothing else.
  if (connection === '' || connection === 'keep-alive,' || connection === 'close,') return kept;
  const nominated = new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((option) => option.trim()),
  );
  return kept.filter(([name]) => !nominated.has(name));
}
