import type { ClientRequest, IncomingMessage } from 'node:http';
import type { ResponseHead } from '../../../strategies/shared/contract.ts';
import { internals } from '../node-internals/internals.ts';

/** A response's head for the engine; headers are not parsed before somebody asks for one. */
export class MessageHead implements ResponseHead {
  readonly status: number;
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.status = response.statusCode ?? 0;
    this.#response = response;
  }

  header(name: string): string | undefined {
    const value = this.#response.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  *entries(): IterableIterator<readonly [name: string, value: string]> {
    const { rawHeaders } = this.#response;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      yield [(rawHeaders[i] ?? '').toLowerCase(), rawHeaders[i + 1] ?? ''];
    }
  }
}

/** A header of a request by its lower-case name, as it is now. */
export function requestHeader(request: ClientRequest, name: string): string | undefined {
  const value = request.getHeader(name);
  if (value !== undefined) return Array.isArray(value) ? value.join(', ') : String(value);
  const found: string[] = [];
  for (const [key, field] of renderedFields(request)) if (key.toLowerCase() === name) found.push(field);
  return found.length === 0 ? undefined : found.join(', ');
}

/** All headers of a request as they are now: names in lower case, repeated fields repeated. */
export function* requestHeaders(request: ClientRequest): IterableIterator<readonly [name: string, value: string]> {
  const names = request.getHeaderNames();
  for (const name of names) {
    const value = request.getHeader(name);
    if (!Array.isArray(value)) yield [name, String(value)];
    else for (const one of value) yield [name, String(one)];
  }
  if (names.length > 0) return;
  for (const [name, value] of renderedFields(request)) yield [name.toLowerCase(), value];
}

/** The fields of the rendered head. Given as an array, headers are rendered at once and not kept otherwise. */
export function renderedFields(request: ClientRequest): Array<readonly [name: string, value: string]> {
  const head = internals(request)._header ?? '';
  const fields: Array<readonly [name: string, value: string]> = [];
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).trimStart()]);
  }
  return fields;
}
