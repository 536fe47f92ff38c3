import type { ClientRequest, IncomingMessage } from 'node:http';
import type { ResponseHead } from '../../strategies/shared/contract.ts';

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

/** A header of a request, from its own map or, where the app gave an array, from the rendered head. */
export function requestHeader(request: ClientRequest, name: string): string | undefined {
  const value = request.getHeader(name);
  if (value !== undefined) return Array.isArray(value) ? value.join(', ') : String(value);
  const head = (request as unknown as { readonly _header: string | null })._header;
  if (head === null || head === undefined) return undefined;
  const prefix = `${name}: `;
  const lines = head.split('\r\n').filter((line) => line.toLowerCase().startsWith(prefix));
  return lines.length === 0 ? undefined : lines.map((line) => line.slice(prefix.length)).join(', ');
}
