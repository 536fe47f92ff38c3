/**
 * Which error codes are the doing of the upstream, or of the path to it. The list is one of what counts: what is not
 * on it says nothing about the upstream. Left out on purpose, for their cause is this machine or process: EADDRNOTAVAIL
 * (no local port left), EADDRINUSE, EMFILE, ENFILE, ENOBUFS, EACCES and EPERM (a local firewall, a socket's file
 * mode), UND_ERR_RES_EXCEEDED_MAX_SIZE (a limit of the app's), ERR_TLS_* and ERR_OSSL_* of bad options or keys.
 */
const UPSTREAM_CODES: ReadonlySet<string> = new Set([
  // TCP and IP
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  // Names; the last four are those of c-ares, for apps with a lookup of their own
  'ENOTFOUND',
  'ENODATA',
  'ESERVFAIL',
  'EREFUSED',
  'ETIMEOUT',
  // undici
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_PRX_TLS',
  // HTTP/2
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_GOAWAY_SESSION',
  // TLS handshake and certificate
  'EPROTO',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_TLS_CERT_SIGNATURE_ALGORITHM_UNSUPPORTED',
  'ERR_TLS_DH_PARAM_SIZE',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'ERR_TLS_SESSION_ATTACK',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
]);

/** getaddrinfo, parse errors of llhttp, X.509 verification and OpenSSL: families with many members. */
const UPSTREAM_CODE_FAMILIES =
  /^(?:EAI_|HPE_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_CERT_|ERROR_IN_CRL_|ERR_SSL_)/;

/** Failures to connect to a unix socket that mean nobody is there, or the one who is cannot keep up. */
const UPSTREAM_CONNECT_CODES: ReadonlySet<string> = new Set(['ENOENT', 'EAGAIN']);

/** Of errors that older agents and clients throw without a code. */
const UPSTREAM_MESSAGES: ReadonlySet<string> = new Set(['socket hang up', 'other side closed']);

/** undici 7 and 8 (Node 24, 26) lose the HPE_ code of theirs. */
const UPSTREAM_NAMES: ReadonlySet<unknown> = new Set(['HTTPParserError']);

/** What ends a request from this side, whatever is given as the cause. */
const LOCAL_CODES: ReadonlySet<string> = new Set([
  'ABORT_ERR',
  'UND_ERR_ABORT',
  'UND_ERR_ABORTED',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_INVALID_ARG',
]);

/** Names that did not resolve, and connections that were never made: not a byte of the request has left. */
const NEVER_SENT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED', // only `connect` fails with it
  'ENOTFOUND',
  'ENODATA',
  'ESERVFAIL',
  'EREFUSED',
  'UND_ERR_CONNECT_TIMEOUT', // covers name, TCP and TLS, before undici writes anything
  'ERR_SOCKET_CONNECTION_TIMEOUT',
]);

export type Culprit = 'upstream' | 'local' | 'unknown';

/** An error by its looks: `instanceof Error` fails for the errors of another realm (test runners load code in one). */
export interface ErrorLike {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly cause?: unknown;
  /** Of an AggregateError. */
  readonly errors?: unknown;
}

export function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && 'message' in value;
}

/** Whose doing this error is, taken by itself, without its causes. */
export function culpritOf(error: ErrorLike): Culprit {
  const code = codeOf(error);
  const message = typeof error.message === 'string' ? error.message : '';
  if (isProxyFailure(code, message)) return 'upstream';
  if (error.name === 'AbortError') return 'local';
  if (UPSTREAM_NAMES.has(error.name) || (code === undefined && UPSTREAM_MESSAGES.has(message))) return 'upstream';
  if (code === undefined) return 'unknown';
  if (LOCAL_CODES.has(code)) return 'local';
  if (UPSTREAM_CODES.has(code) || UPSTREAM_CODE_FAMILIES.test(code)) return 'upstream';
  if (UPSTREAM_CONNECT_CODES.has(code) && error.syscall === 'connect') return 'upstream';
  // undici's code for anything it has no class for; of HTTP/2 it is what the other side did to the stream.
  if (code === 'UND_ERR_INFO' && message.startsWith('HTTP/2: ')) return 'upstream';
  return 'unknown';
}

/**
 * Whether this error, taken by itself, proves that the request was never sent. No error of a TLS handshake does: Node
 * queues the request behind the handshake and checks the certificate afterwards, when it may have left.
 */
export function provesNeverSent(error: ErrorLike): boolean {
  const code = codeOf(error);
  if (code === undefined) return false;
  if (NEVER_SENT_CODES.has(code) || code.startsWith('EAI_')) return true;
  // Timeouts, resets and unreachable networks strike before and after the request; of `connect` it is always before.
  return error.syscall === 'connect';
}

export function codeOf(error: ErrorLike): string | undefined {
  return typeof error.code === 'string' ? error.code : undefined;
}

/** undici calls a tunnel that the proxy refused aborted. A 5xx means the proxy did not reach the upstream. */
function isProxyFailure(code: string | undefined, message: string): boolean {
  return code === 'UND_ERR_ABORTED' && /^Proxy response \(5\d\d\)/.test(message);
}

/** ETIMEDOUT of the system, UND_ERR_HEADERS_TIMEOUT and its like of clients, ERR_RESILIENCE_TIMEOUT of ours. */
const TIMEOUT_CODE = /_TIMEOUT$|^ETIMEDOUT$|^ETIMEOUT$/;
const MAX_WRAPPERS = 5;

/** fetch wraps: the outermost error with a code tells. */
export function isTimeout(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < MAX_WRAPPERS && isErrorLike(current); depth++) {
    const code = codeOf(current);
    if (code !== undefined) return TIMEOUT_CODE.test(code);
    current = current.cause;
  }
  return false;
}
