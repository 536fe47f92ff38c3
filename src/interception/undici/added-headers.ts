import type { ExtraField } from '../extra-headers.ts';
import { isIterable, requestHeader } from './request-headers.ts';
import type { DispatchOptions } from './undici-types.ts';

/** The options with `fields` among their headers, less those that they have. The caller's own objects stay as they are. */
export function withFields(options: DispatchOptions, fields: readonly ExtraField[]): DispatchOptions {
  // A tunnel is not a request to the upstream.
  if (options.method.toUpperCase() === 'CONNECT') return options;
  const { headers } = options;
  const missing = fields.filter(([name]) => requestHeader(headers, name.toLowerCase()) === undefined);
  return missing.length === 0 ? options : { ...options, headers: merge(headers, missing) };
}

/** In the form in which they were given, as copies of undici differ in the forms they take. What none takes stays. */
function merge(headers: unknown, missing: readonly ExtraField[]): unknown {
  if (headers === undefined || headers === null) return missing.flat();
  if (Array.isArray(headers)) return headers.length % 2 === 0 ? [...headers, ...missing.flat()] : headers;
  if (typeof headers !== 'object') return headers;
  if (isIterable(headers)) return new JoinedFields(headers, missing);
  return { ...headers, ...Object.fromEntries(missing) };
}

/** Not an array, which would be read as names and values in turn. */
class JoinedFields implements Iterable<unknown> {
  readonly #given: Iterable<unknown>;
  readonly #added: readonly ExtraField[];

  constructor(given: Iterable<unknown>, added: readonly ExtraField[]) {
    this.#given = given;
    this.#added = added;
  }

  *[Symbol.iterator](): Iterator<unknown> {
    yield* this.#given;
    for (const field of this.#added) yield [...field];
  }
}
