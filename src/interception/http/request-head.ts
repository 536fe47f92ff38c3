import type { ClientRequest } from 'node:http';
import type { EndpointTarget } from '../../strategies/shared/contract.ts';
import { internals } from './internals.ts';

/** How the message is framed and the connection kept is the caller's request's own affair, on every attempt. */
const FRAMING = new Set(['connection', 'keep-alive', 'content-length', 'transfer-encoding', 'trailer', 'expect']);

export const CREDENTIALS: readonly string[] = ['authorization', 'cookie', 'proxy-authorization'];

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
  // Given as an array, headers are rendered at once and not kept otherwise.
  for (const line of linesOf(internals(request)._header ?? '').slice(1)) {
    const [name, value] = splitLine(line);
    const before = fields.get(name.toLowerCase());
    fields.set(name.toLowerCase(), { name, values: [...(before?.values ?? []), value] });
  }
  return fields;
}

function linesOf(head: string): string[] {
  return head.split('\r\n').filter((line) => line !== '');
}

function splitLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
}

/** The headers an attempt is made with: the caller's, less what does not go to another origin. */
export function attemptHeaders(
  request: ClientRequest,
  target: EndpointTarget | undefined,
  sameOrigin: boolean,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const kept = target === undefined || target.forwardCredentials || sameOrigin;
  for (const [key, { name, values }] of fieldsOf(request)) {
    if (FRAMING.has(key) || (!kept && CREDENTIALS.includes(key)) || (target !== undefined && key === 'host')) continue;
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

  constructor(attempt: ClientRequest, made: Record<string, string | string[]>, removed: readonly string[]) {
    this.#path = attempt.path;
    const before = new Map(Object.entries(made).map(([name, value]) => [name.toLowerCase(), [value].flat().join()]));
    const now = fieldsOf(attempt);
    for (const [key, field] of now) {
      if (!FRAMING.has(key) && before.get(key) !== field.values.join()) this.#changed.set(key, field);
    }
    this.#removed = new Set([...removed, ...before.keys()].filter((key) => !now.has(key)));
  }

  apply(head: string): string {
    const [first = '', ...lines] = linesOf(head);
    const [method] = first.split(' ', 1);
    const left = new Map(this.#changed);
    const kept = lines.flatMap((line) => {
      const key = splitLine(line)[0].toLowerCase();
      if (this.#removed.has(key)) return [];
      if (!this.#changed.has(key)) return [line];
      const field = left.get(key);
      left.delete(key);
      return field === undefined ? [] : render(field);
    });
    const added = [...left.values()].flatMap(render);
    return [`${method} ${this.#path} HTTP/1.1`, ...kept, ...added, '', ''].join('\r\n');
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
