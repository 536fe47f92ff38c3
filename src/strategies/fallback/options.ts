import type { EndpointTarget, Outcome, Substitute } from '../shared/contract.ts';

export interface FallbackCacheOptions {
  /** How old a stored response may be, counted from when it became stale (RFC 5861 §4, granted by the operator). */
  readonly staleIfErrorMs: number;
  /** Whether to store private responses and those to credentials, keyed by a hash of the credentials. */
  readonly private: boolean;
  /** Request headers that do not choose the response, besides the known harmless ones. In lower case. */
  readonly ignoredHeaders: ReadonlySet<string>;
  /** Request headers that name the caller, besides those whose names tell (`credential_headers`). In lower case. */
  readonly credentialHeaders: ReadonlySet<string>;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
}

/** A degraded answer. `${path.name}` and `${query.name}` in `body` or `json` stand for values of the call's URL. */
export interface FallbackResponseOptions {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly json: unknown;
}

/** What a fallback handler is told of the call. */
export interface FallbackRequest {
  readonly method: string;
  readonly url: string;
  readonly upstream: string;
  /** Values of the rule's URL pattern by name, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** The last link of the chain, in code. Undefined: no answer, the app gets the outcome itself. */
export type FallbackHandler = (
  request: FallbackRequest,
  outcome: Outcome,
) => Response | Substitute | undefined | Promise<Response | Substitute | undefined>;

export interface FallbackOptions {
  readonly endpoints: readonly EndpointTarget[];
  readonly cache: FallbackCacheOptions | undefined;
  readonly response: FallbackResponseOptions | undefined;
  readonly handler: FallbackHandler | undefined;
  /** Whether to divert as soon as the upstream is unhealthy, before any attempt on it. */
  readonly onUnhealthy: boolean;
}

export const FALLBACK_DEFAULTS: FallbackOptions = {
  endpoints: [],
  cache: undefined,
  response: undefined,
  handler: undefined,
  onUnhealthy: false,
};

export const FALLBACK_CACHE_DEFAULTS: FallbackCacheOptions = {
  staleIfErrorMs: 3_600_000,
  private: false,
  ignoredHeaders: new Set(),
  credentialHeaders: new Set(),
  maxBytes: 64 * 1024 * 1024,
  maxEntryBytes: 1024 * 1024,
};
