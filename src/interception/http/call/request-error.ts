import type { ClientRequest, IncomingMessage } from 'node:http';

/** Misuse of a request by the app: Node emits it while the connection is alive and well. */
const MISUSE = /^ERR_(?:HTTP|STREAM|INVALID|UNESCAPED|METHOD|ILLEGAL|OUT_OF)_/;

/** What `lookup` reports under a name that looks like misuse. */
const NOT_MISUSE = new Set(['ERR_INVALID_IP_ADDRESS', 'ERR_STREAM_PREMATURE_CLOSE']);

export function isMisuse(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && MISUSE.test(code) && !NOT_MISUSE.has(code);
}

/**
 * Whether `error` is what the request's own socket died of. A client that listens on the raw socket (axios does) passes
 * it on to `request.destroy`; that is not the caller giving up.
 */
export function isOwnSocketError(request: ClientRequest, error: Error | undefined): boolean {
  return error !== undefined && request.socket?.errored === error;
}

/**
 * Whether a response that ended early was cut off by the other side. Node then destroys it with an error of this shape;
 * an app that leaves has destroyed it before, with an error of its own or none.
 */
export function diedUpstream(response: IncomingMessage): boolean {
  const error = response.errored as (Error & { code?: string }) | null;
  return error?.code === 'ECONNRESET' && error.message === 'aborted';
}
