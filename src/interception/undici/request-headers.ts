import { type ForeignOrigin, staysHome } from '../../common/caller-identity.ts';

/** Request headers as undici takes them: a flat array, a record, or an iterable of pairs. */

/** The value of a field by its lower-case name; several values are joined by `, `. */
export function requestHeader(headers: unknown, name: string): string | undefined {
  let found: string | undefined;
  eachField(headers, (key, value) => {
    if (key.toLowerCase() !== name || value === undefined) return;
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    found = found === undefined ? text : `${found}, ${text}`;
  });
  return found;
}

/** All fields: names in lower case, repeated fields repeated. */
export function headerPairs(headers: unknown): Array<readonly [name: string, value: string]> {
  const pairs: Array<readonly [string, string]> = [];
  eachField(headers, (key, value) => {
    if (value === undefined) return;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([key.toLowerCase(), String(one)]);
  });
  return pairs;
}

/** The fields for another origin: its own `Host`, and no credentials unless they are to go along. */
export function headersForOther(headers: unknown, origin: ForeignOrigin): unknown[] {
  const kept: unknown[] = [];
  eachField(headers, (key, value) => {
    const name = key.toLowerCase();
    if (name === 'host' || staysHome(name, origin)) return;
    kept.push(key, value);
  });
  return kept;
}

/** Headers that can be read more than once: an iterator would be spent after the first attempt, or by a look at it. */
export function rereadable(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return headers;
  if (!('next' in headers) || !isIterable(headers)) return headers;
  const flat: unknown[] = [];
  for (const field of headers) {
    // Not pairs: undici is to say so itself.
    if (!Array.isArray(field) || field.length !== 2) return [field, undefined, undefined];
    flat.push(field[0], field[1]);
  }
  return flat;
}

function eachField(headers: unknown, visit: (key: string, value: unknown) => void): void {
  if (typeof headers !== 'object' || headers === null) return;
  if (Array.isArray(headers)) {
    for (let i = 0; i + 1 < headers.length; i += 2) visit(String(headers[i]), headers[i + 1]);
  } else if (isIterable(headers)) {
    for (const field of headers) if (Array.isArray(field)) visit(String(field[0]), field[1]);
  } else {
    for (const [key, value] of Object.entries(headers)) visit(key, value);
  }
}

export function isIterable(value: object): value is Iterable<unknown> {
  return typeof Reflect.get(value, Symbol.iterator) === 'function';
}
