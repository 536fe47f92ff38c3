/**
 * Words that mark a request header as one that says for whom the request is made. RFC 9111 section 3.5 knows
 * `Authorization` only; in practice keys, tokens and sessions travel under hundreds of names made of these words.
 */
const WORDS =
  /auth|token|api-?key|access-?key|secret|session|jwt|assertion|dpop|cookie|credential|password|passwd|signature|identity|user-?id|tenant|forwarded-(?:user|email|preferred)|client-?cert/;

const NONE: ReadonlySet<string> = new Set();

/**
 * Whether a request header names the caller. The one rule for the cache, for fallback endpoints and for whatever else
 * must not mix callers up. `name` in lower case; `added`: further names of the configuration, in lower case.
 */
export function namesCaller(name: string, added: ReadonlySet<string> = NONE): boolean {
  return WORDS.test(name) || added.has(name);
}

/** Where a request may be sent instead of where the app sent it, as far as credentials are concerned. */
export interface ForeignOrigin {
  readonly forwardCredentials: boolean;
  /** Further names that the configuration calls credentials, in lower case. */
  readonly credentialHeaders?: ReadonlySet<string>;
}

/** Whether a request header, by its lower-case name, must not go to `origin`. */
export function staysHome(name: string, origin: ForeignOrigin): boolean {
  return !origin.forwardCredentials && namesCaller(name, origin.credentialHeaders);
}
