/**
 * The one rule for "this names the caller": a request header that says for whom the request is made, or with whose
 * rights. Whatever must not mix callers up, or show one to somebody else, asks here: the cache, fallback endpoints.
 *
 * RFC 9111 section 3.5 knows `Authorization` only. In practice keys, tokens, sessions and user names travel under
 * hundreds of names that nobody has listed, so the names are judged by the words they are made of. A name too many costs
 * a cache hit, or a header that a foreign endpoint does not get; a name too few shows one customer's data to another.
 */

/** Pieces that mean it wherever they stand in a name: `authkey`, `x-apikey`, `sessionid`, `x-arr-clientcert`. */
const ANYWHERE = new RegExp(
  [
    // Not `author` and `authority`, which name a place or a writer.
    'auth(?!or(?:s|ity)?(?:[-_.]|$))',
    ...['token', 'jwt', 'saml', 'oidc', 'kerberos', 'ntlm', 'wsse', 'dpop', 'hmac', 'bearer', 'assertion'],
    ...['secret', 'passw', 'passphrase', 'passcode', 'credential', 'signature', 'fingerprint', 'cookie'],
    ...['session', 'csrf', 'xsrf', 'principal', 'identity', 'impersonat', 'on-?behalf'],
    ...[
      'api-?key',
      'access-?key',
      'user-?(?:id|name)',
      'client-?(?:id|cert|dn)',
      'device-?id',
      'ssl-?client',
      'app(?:lication)?-?id',
    ],
  ].join('|'),
);

/** Words that mean it only as a word of their own, since they are parts of others: `x-sid`, but not `x-consider`. */
const WORDS = new Set([
  // Proofs of who asks.
  ...['key', 'keys', 'sig', 'sign', 'sid', 'sso', 'pwd', 'pass', 'pin', 'otp', 'totp', 'mfa', '2fa', 'nonce', 'ticket'],
  ...['license', 'licence', 'cert', 'certificate', 'dn'],
  // Persons and accounts.
  ...['user', 'users', 'uid', 'sub', 'subject', 'login', 'email', 'mail', 'phone', 'msisdn', 'imsi', 'imei', 'actor'],
  ...['account', 'acct', 'tenant', 'customer', 'consumer', 'subscriber', 'subscription', 'member', 'owner', 'caller'],
  ...['employee', 'patient', 'visitor', 'guest', 'org', 'orgid', 'organization', 'organisation', 'team'],
  ...['workspace', 'merchant', 'partner', 'tenantid', 'accountid', 'customerid', 'userinfo'],
  // Their rights.
  ...['group', 'groups', 'role', 'roles', 'scope', 'scopes', 'claim', 'claims', 'permission', 'permissions', 'sudo'],
]);

/** Names made of such words that say nothing of who asks. */
const OTHERS = /user-agent$|idempoten|^sec-(?:ch|fetch|websocket)-|^access-control-|^x?-?cache-key$/;

/** The e-mail address of the human who controls the client (RFC 9110 section 10.1.2). */
const FROM = 'from';

/** Apps use few names, but a proxy passes on whatever names its callers think of. */
const MAX_KNOWN = 500;
const known = new Map<string, boolean>();

const NONE: ReadonlySet<string> = new Set();

/**
 * Whether a request header names the caller. `name` in lower case; `added`: further names, from the configuration, in
 * lower case.
 */
export function namesCaller(name: string, added: ReadonlySet<string> = NONE): boolean {
  if (added.has(name)) return true;
  const before = known.get(name);
  if (before !== undefined) return before;
  const judged = judge(name);
  if (known.size < MAX_KNOWN) known.set(name, judged);
  return judged;
}

function judge(name: string): boolean {
  if (name === FROM) return true;
  if (OTHERS.test(name)) return false;
  return ANYWHERE.test(name) || name.split(/[-_.]/).some((word) => WORDS.has(word));
}

/** Where a request may be sent instead of where the app sent it, as far as credentials are concerned. */
export interface ForeignOrigin {
  /** Whether header fields that name the caller go along. TLS certificates and keys never do. */
  readonly forwardCredentials: boolean;
  /** Further names that the configuration calls credentials, in lower case. */
  readonly credentialHeaders?: ReadonlySet<string>;
}

/**
 * Says of no caller who it is, but tells others of a page the user was on, with what stands in its query (RFC 9110
 * section 17.9).
 */
const REFERER = 'referer';

/** Whether a request header, by its lower-case name, must not go to `origin`. */
export function staysHome(name: string, origin: ForeignOrigin): boolean {
  return !origin.forwardCredentials && (name === REFERER || namesCaller(name, origin.credentialHeaders));
}
