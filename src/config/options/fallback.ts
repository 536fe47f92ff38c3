import { isBodiless } from '../../common/http-fields.ts';
import { formatSize } from '../../common/size.ts';
import {
  FALLBACK_CACHE_DEFAULTS,
  FALLBACK_DEFAULTS,
  type FallbackCacheOptions,
  type FallbackHandler,
  type FallbackOptions,
  type FallbackResponseOptions,
} from '../../strategies/fallback/options.ts';
import { durationText } from '../schema/default-text.ts';
import { type FunctionOption, switchable, type Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Contradiction, Resolving } from './resolving.ts';

const MONTH_MS = 30 * is.DAY_MS;
const GIB = 1024 ** 3;
const DEFAULT_STATUS = 200;

const fallbackCache = {
  stale_if_error: is.duration(
    { max: MONTH_MS },
    {
      description: 'How long after it became stale a stored response may still serve.',
      default: durationText(FALLBACK_CACHE_DEFAULTS.staleIfErrorMs),
    },
  ),
  private: is.flag({
    description: 'Store private responses and those to credentials too, kept apart by credentials.',
    default: FALLBACK_CACHE_DEFAULTS.private,
  }),
  ignore_headers: is.headerNames({
    description: 'Request headers that do not choose the response: without it, each value has a response of its own.',
    default: [],
  }),
  max_bytes: is.size(
    { min: 1, max: 16 * GIB },
    { description: 'Bytes of all stored responses.', default: formatSize(FALLBACK_CACHE_DEFAULTS.maxBytes) },
  ),
  max_entry_bytes: is.size(
    { min: 1, max: GIB },
    { description: 'A longer response is not stored.', default: formatSize(FALLBACK_CACHE_DEFAULTS.maxEntryBytes) },
  ),
};

const fallbackResponse = {
  status: is.count({ min: 200, max: 599 }, { description: 'Its status.', default: DEFAULT_STATUS }),
  headers: is.headers({ description: 'Its header fields.', default: {} }),
  body: is.text(
    { max: 1024 ** 2 },
    { description: `Its body as text; \${path.x} and \${query.x} stand for values of the URL.` },
  ),
  json: is.anyJson({ description: `Its body as JSON; texts in it may hold \${path.x} and \${query.x}.` }),
};

export const fallbackOptions = {
  endpoints: is.endpoints({ description: 'Other places that can answer, in order.', default: [] }),
  forward_credentials: is.flag({
    description:
      'Send headers that name the caller (`Authorization`, `Cookie`, ...) to endpoints of another origin too.',
    default: false,
  }),
  cache: switchable(fallbackCache, { description: 'Serve the last good response.', default: false }),
  response: switchable(fallbackResponse, { description: 'Serve a fixed, degraded response.', default: false }),
  on_unhealthy: is.flag({
    description: 'Divert as soon as the upstream is unhealthy, before any attempt on it.',
    default: FALLBACK_DEFAULTS.onUnhealthy,
  }),
  handler: {
    form: 'function',
    type: 'FallbackHandler',
    description: 'The last link of the chain. There is no such option in a file.',
  } as FunctionOption<FallbackHandler>,
};

type Input = Values<typeof fallbackOptions>;

export function resolveFallback(given: Input | undefined, resolving: Resolving): FallbackOptions | undefined {
  if (given === undefined) return undefined;
  const { headerNames, contradicts } = resolving;
  const credentials = {
    forwardCredentials: given.forward_credentials ?? false,
    credentialHeaders: headerNames.credentials,
  };
  const resolved: FallbackOptions = {
    endpoints: (given.endpoints ?? []).map((address) => ({ ...address, ...credentials })),
    cache: resolveCache(given.cache || undefined, resolving),
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
  { headerNames, contradicts }: Resolving,
): FallbackCacheOptions | undefined {
  if (given === undefined) return undefined;
  const { credentials, requestId } = headerNames;
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
    status: given.status ?? DEFAULT_STATUS,
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
