import type { ClientRequest } from 'node:http';
import { type ForeignOrigin, staysHome } from '../../../common/caller-identity.ts';
import { renderedFields } from '../call/message-head.ts';
import { internals } from '../node-internals/internals.ts';

/** How the message is framed and the connection kept is the caller's request's own affair, on every attempt. */
const FRAMING = new Set(['connection', 'keep-alive', 'content-length', 'transfer-encoding', 'trailer', 'expect']);

type Fields = Map<string, { readonly name: string; readonly values: readonly string[] }>;

/** The header fields of a request, by lower-case name, in order. */
function fieldsOf(request: ClientRequest): Fields {
  const fields: Fields = new Map();
  const names = request.getRawHeaderNames();
  for (const name of names) {
    const value = request.getHeader(name);
    const values = Array.isArray(value) ? value.map(String) : [String(value)];
    // As Node renders them.
    const lines = name.toLowerCase() === 'cookie' ? [values.join('; ')] : values;
    fields.set(name.toLowerCase(), { name, values: lines });
  }
  if (names.length > 0) return fields;
  for (const [name, value] of renderedFields(request)) {
    const before = fields.get(name.toLowerCase());
    fields.set(name.toLowerCase(), { name, values: [...(before?.values ?? []), value] });
  }
  return fields;
}

/** The headers of the request that must not go to another origin, in lower case. */
export function withheldHeaders(request: ClientRequest, origin: ForeignOrigin): string[] {
  return [...fieldsOf(request).keys()].filter((name) => staysHome(name, origin));
}

/** The headers an attempt is made with: the caller's, less what does not go along. `elsewhere`: to an endpoint. */
export function attemptHeaders(
  request: ClientRequest,
  elsewhere: boolean,
  withheld: readonly string[],
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [key, { name, values }] of fieldsOf(request)) {
    if (FRAMING.has(key) || withheld.includes(key) || (elsewhere && key === 'host')) continue;
    headers[name] = values.length === 1 ? (values[0] as string) : [...values];
  }
  return headers;
}

/**
 * What an attempt's own request, made with `made` as its headers, has that the caller's has not: trace headers, what a
 * proxy agent wrote, another host. Laid over the caller's rendered head, it is the head of that attempt.
 */
export class HeadOverlay {
  readonly #path: string;
  readonly #changed: Fields = new Map();
  readonly #removed: ReadonlySet<string>;
  readonly #origin: ForeignOrigin | undefined;

  /** `origin`: where the attempt goes, if that is another; a header that the app sets later may have to stay at home. */
  constructor(
    attempt: ClientRequest,
    made: Record<string, string | string[]>,
    withheld: readonly string[],
    origin: ForeignOrigin | undefined,
  ) {
    this.#path = attempt.path;
    this.#origin = origin;
    const before = new Map(Object.entries(made).map(([name, value]) => [name.toLowerCase(), [value].flat().join()]));
    const now = fieldsOf(attempt);
    for (const [key, field] of now) {
      if (!FRAMING.has(key) && before.get(key) !== field.values.join()) this.#changed.set(key, field);
    }
    this.#removed = new Set([...withheld, ...[...before.keys()].filter((key) => !now.has(key))]);
  }

  apply(head: string): string {
    const [first = '', ...lines] = head.split('\r\n').filter((line) => line !== '');
    const [method] = first.split(' ', 1);
    const left = new Map(this.#changed);
    const kept = lines.flatMap((line) => {
      const key = line.slice(0, line.indexOf(':')).toLowerCase();
      if (this.#removed.has(key)) return [];
      const field = left.get(key);
      if (field === undefined) return this.#changed.has(key) || this.#staysHome(key) ? [] : [line];
      left.delete(key);
      return render(field);
    });
    const added = [...left.values()].flatMap(render);
    return [`${method} ${this.#path} HTTP/1.1`, ...kept, ...added, '', ''].join('\r\n');
  }

  #staysHome(name: string): boolean {
    return this.#origin !== undefined && staysHome(name, this.#origin);
  }
}

function render(field: { readonly name: string; readonly values: readonly string[] }): string[] {
  return field.values.map((value) => `${field.name}: ${value}`);
}

/** Gives a request that has rendered its head another one, also where it already lies ready to be written. */
export function replaceHead(request: ClientRequest, head: string): void {
  const state = internals(request);
  const before = state._header;
  state._header = head;
  const first = state.outputData[0];
  if (before === null || typeof first?.data !== 'string' || !first.data.startsWith(before)) return;
  first.data = head + first.data.slice(before.length);
  state.outputSize += head.length - before.length;
}
