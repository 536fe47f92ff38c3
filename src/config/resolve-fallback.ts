import { isBodiless } from '../common/http-fields.ts';
import { formatSize } from '../common/size.ts';
import {
  FALLBACK_CACHE_DEFAULTS,
  FALLBACK_DEFAULTS,
  type FallbackCacheOptions,
  type FallbackOptions,
  type FallbackResponseOptions,
} from '../strategies/fallback/options.ts';
import type { Contradiction, Given, HeaderNames } from './resolve.ts';

type Input = NonNullable<Given<'fallback'>>;

export function resolveFallback(
  given: Input | undefined,
  headerNames: HeaderNames,
  contradicts: Contradiction,
): FallbackOptions | undefined {
  if (given === undefined) return undefined;
  const credentials = {
    forwardCredentials: given.forward_credentials ?? false,
    credentialHeaders: headerNames.credentials,
  };
  const resolved: FallbackOptions = {
    endpoints: (given.endpoints ?? []).map((address) => ({ ...address, ...credentials })),
    cache: resolveCache(given.cache || undefined, headerNames, contradicts),
    response: resolveResponse(given.response || undefined, contradicts),
    handler: given.handler,
    onUnhealthy: given.on_unhealthy ?? FALLBACK_DEFAULTS.onUnhealthy,
  };
  const empty =
    resolved.endpoints.length === 0 && !resolved.cache && !resolved.response && resolved.handler === undefined;
  if (resolved.onUnhealthy && empty) {
    contradicts(['fallback', 'on_unhealthy'], 'there is nothing to divert to: no endpoints, cache or response');
  }
  return resolved;
}

function resolveCache(
  given: Exclude<Input['cache'], false>,
  { credentials, requestId }: HeaderNames,
  contradicts: Contradiction,
): FallbackCacheOptions | undefined {
  if (given === undefined) return undefined;
  const maxBytes = given.max_bytes ?? FALLBACK_CACHE_DEFAULTS.maxBytes;
  const resolved: FallbackCacheOptions = {
    staleIfErrorMs: given.stale_if_error ?? FALLBACK_CACHE_DEFAULTS.staleIfErrorMs,
    private: given.private ?? FALLBACK_CACHE_DEFAULTS.private,
    // The id that we put on outgoing calls is another one each time.
    ignoredHeaders: new Set([...(given.ignore_headers ?? []), ...(requestId === undefined ? [] : [requestId])]),
    credentialHeaders: credentials,
    maxBytes,
    maxEntryBytes: given.max_entry_bytes ?? Math.min(FALLBACK_CACHE_DEFAULTS.maxEntryBytes, maxBytes),
  };
  // The cache does not grow by itself to hold a large entry: its size protects the process.
  if (resolved.maxEntryBytes > maxBytes) {
    const words = `${formatSize(resolved.maxEntryBytes)} never fit a cache of ${formatSize(maxBytes)} (max_bytes)`;
    contradicts(['fallback', 'cache', 'max_entry_bytes'], words);
  }
  return resolved;
}

function resolveResponse(given: Exclude<Input['response'], false>, contradicts: Contradiction) {
  if (given === undefined) return undefined;
  const resolved: FallbackResponseOptions = {
    status: given.status ?? 200,
    headers: given.headers ?? {},
    body: given.body,
    json: given.json,
  };
  const { status, body, json } = resolved;
  if (body !== undefined && json !== undefined) contradicts(['fallback', 'response'], 'has a body and json: keep one');
  if (isBodiless(status) && (json !== undefined || (body !== undefined && body !== ''))) {
    contradicts(['fallback', 'response', 'status'], `a response with status ${status} has no body`);
  }
  return resolved;
}
