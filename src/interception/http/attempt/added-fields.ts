import type { ClientRequest } from 'node:http';
import { headerEntries } from '../call/call-target.ts';

/** What Node itself puts on a request, from options that a further attempt has as well. */
const IMPLIED = new Set(['host', 'authorization']);

/**
 * The header fields that tracers and agents, not the app, have put on the caller's request as the first attempt of its
 * call. A further attempt begins without them and is given its own: a tracer may leave alone what is there.
 */
export class AddedFields {
  #values: Map<string, string> | undefined = undefined;

  /** Those the request has and `headers`, the app's in any form that Node takes, have not. On the path of every call. */
  noteBeside(headers: unknown, request: ClientRequest): void {
    for (const name of request.getHeaderNames()) {
      if (!IMPLIED.has(name) && !isGiven(headers, name)) this.#note(name, request);
    }
  }

  /** Those the request has and had not when `known` were the names of its fields, in lower case. */
  noteSince(known: ReadonlySet<string>, request: ClientRequest): void {
    for (const name of request.getHeaderNames()) {
      if (!known.has(name) && !IMPLIED.has(name)) this.#note(name, request);
    }
  }

  #note(name: string, request: ClientRequest): void {
    this.#values ??= new Map();
    this.#values.set(name, String(request.getHeader(name)));
  }

  /** `headers` without those that still are what they were. */
  leftOut(headers: Record<string, string | string[]>): Record<string, string | string[]> {
    const values = this.#values;
    if (values === undefined) return headers;
    const kept = Object.entries(headers).filter(([name, value]) => values.get(name.toLowerCase()) !== String(value));
    return Object.fromEntries(kept);
  }
}

/** Whether the app gave a field of this name, which is in lower case. */
function isGiven(headers: unknown, name: string): boolean {
  if (!headers || typeof headers !== 'object') return false;
  if (Array.isArray(headers)) return headerEntries(headers).some(([key]) => key.toLowerCase() === name);
  for (const key in headers) if (key.length === name.length && key.toLowerCase() === name) return true;
  return false;
}
