import { z } from 'zod';
import { formatSize } from '../../common/size.ts';
import { FALLBACK_CACHE_DEFAULTS, FALLBACK_DEFAULTS, type FallbackHandler } from '../../strategies/fallback/options.ts';
import { durationText } from './default-text.ts';
import { endpoints } from './endpoint.ts';
import { option, switchable } from './option.ts';
import * as is from './values.ts';

const MONTH_MS = 30 * is.DAY_MS;
const GIB = 1024 ** 3;

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
  status: is.count({ min: 200, max: 599 }, { description: 'Its status.', default: 200 }),
  headers: is.headers({ description: 'Its header fields.', default: {} }),
  body: is.text(
    { max: 1024 ** 2 },
    { description: `Its body as text; \${path.x} and \${query.x} stand for values of the URL.` },
  ),
  json: is.anyJson({ description: `Its body as JSON; texts in it may hold \${path.x} and \${query.x}.` }),
};

export const fallback = {
  endpoints: endpoints({ description: 'Other places that can answer, in order.', default: [] }),
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
  handler: option(
    z.custom<FallbackHandler>((given) => typeof given === 'function'),
    { description: 'The last link of the chain.' },
    { form: { kind: 'function' }, expects: 'a function' },
  ),
};
