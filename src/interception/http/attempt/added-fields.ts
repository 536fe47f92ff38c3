import type { ClientRequest } from 'node:http';
import { headerEntries } from '../call/call-target.ts';

/** What Node itself puts on a request, from options that a further attempt has as well. */
const IMPLIED = new Set(['host', 'authorization']);

/**
 * The header fields that tracers and agents, not the app, have put on the caller's request as the first attempt of its
 * call. A further attempt begins without them and is given its own: a tracer may leave alone what is there.
 */
export class AddedFields {
  readonly #values = new Map<string, string>();

  /** Those the request has and `headers`, the app's in any form that Node takes, have not. */
  noteBeside(headers: unknown, request: ClientRequest): void {
    const known = new Set(headerEntries(headers).map(([name]) => name.toLowerCase()));
    this.noteSince(known, request);
  }

  /** Those the request has and had not when `known` were the names of its fields, in lower case. */
  noteSince(known: ReadonlySet<string>, request: ClientRequest): void {
    for (const name of request.getHeaderNames()) {
      if (!known.has(name) && !IMPLIED.has(name)) this.#values.set(name, String(request.getHeader(name)));
    }
  }

  /** `headers` without those that still are what they were. */
  leftOut(headers: Record<string, string | string[]>): Record<string, string | string[]> {
    if (this.#values.size === 0) return headers;
    const kept = Object.entries(headers).filter(
      ([name, value]) => this.#values.get(name.toLowerCase()) !== String(value),
    );
    return Object.fromEntries(kept);
  }
}
