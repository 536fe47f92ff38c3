import { endToEnd } from '../../common/http-fields.ts';
import type { BodyObserver, CallInfo, ResponseHead, Substitute } from '../shared/contract.ts';
import { BodyCapture, CaptureAllowance } from './body-capture.ts';
import { parseDirectives, secondsOf } from './cache-control.ts';
import { ANYONE, isVariantFor, keyOf, type RequestKey, selectionOf, urlOf } from './cache-key.ts';
import { type Freshness, type PolicyMaker, policyMaker } from './cache-policy.ts';
import { CacheStore } from './cache-store.ts';
import { answerFrom } from './cached-answer.ts';
import type { FallbackCacheOptions } from './options.ts';
import { StoredHead, StoredResponse } from './stored-response.ts';

/** Methods that change nothing (RFC 9110 §9.2.1); of any other the URL's entries must go (RFC 9111 §4.4). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT']);

/** By which the upstream takes back what it gave before. */
const TAKEN_BACK: ReadonlySet<number> = new Set([401, 403, 404, 410, 451]);

/** Conditions that only the upstream itself can judge (RFC 9111 §4.3.2), and parts of a body, which are not kept. */
const NOT_OURS = ['range', 'if-match', 'if-unmodified-since', 'if-range'] as const;

/** Of the most all entries may hold, the part that responses still under way may hold beside them. */
const CAPTURE_SHARE = 0.25;

/**
 * The last good response to each request, to fall back on. A shared cache under RFC 9111 that never answers for a living
 * upstream. Stale responses are used as long as the operator grants (§4.2.4, by out-of-band contract), but not against
 * what the upstream says: `must-revalidate`, `proxy-revalidate`, `s-maxage`, `no-cache`, a shorter `stale-if-error`.
 * Requests that say for whom they are have no part in it, unless `private`; then each caller has entries of its own.
 * Requests share an entry only if they differ in nothing but known harmless fields (harmless-headers.ts).
 */
export class ResponseCache {
  readonly #makePolicy: PolicyMaker;
  readonly #store: CacheStore<StoredResponse>;
  readonly #allowance: CaptureAllowance;
  #options: FallbackCacheOptions;

  constructor(options: FallbackCacheOptions, wallClockMs: () => number) {
    this.#options = options;
    this.#makePolicy = policyMaker(wallClockMs);
    this.#store = new CacheStore(options.maxBytes);
    this.#allowance = new CaptureAllowance(captureBytes(options));
  }

  /** Bytes of all entries. */
  get bytes(): number {
    return this.#store.bytes;
  }

  get size(): number {
    return this.#store.size;
  }

  /** Goes on under other options with the entries they leave room for. */
  reconfigure(options: FallbackCacheOptions): void {
    this.#options = options;
    this.#store.resize(options.maxBytes);
    this.#allowance.resize(captureBytes(options));
  }

  /** An answer to `call`, if there is one that may be used. */
  answer(call: CallInfo): Substitute | undefined {
    if (call.method !== 'GET' && call.method !== 'HEAD') return undefined;
    if (NOT_OURS.some((name) => call.header(name) !== undefined)) return undefined;
    const key = this.#keyOf(call);
    if (key === undefined) return undefined;
    const stored = this.#find(key, call);
    const freshness = stored?.head.freshness();
    if (stored === undefined || freshness === undefined) return undefined;
    const staleMs = freshness.ageMs - freshness.lifetimeMs;
    // A response is fresh as long as its lifetime is greater than its age (RFC 9111 §4.2).
    if (staleMs >= stored.head.staleMs(this.#options.staleIfErrorMs)) {
      this.#store.remove(stored);
      return undefined;
    }
    return wants(call, freshness) ? answerFrom(stored, call, freshness) : undefined;
  }

  /** Takes note of a response the app is given. Its body is wanted where it may be stored. */
  capture(call: CallInfo, head: ResponseHead, fromPrimary: boolean): BodyObserver | undefined {
    if (call.method !== 'GET') {
      this.#invalidate(call, head.status);
      return undefined;
    }
    const key = this.#keyOf(call);
    if (key === undefined || call.header('range') !== undefined) return undefined;
    if (head.status === 304) return this.#refresh(call, head, key);
    if (fromPrimary && TAKEN_BACK.has(head.status)) this.#store.forget(key.url, key.caller);
    return this.#record(call, head, key);
  }

  #find(key: RequestKey, call: CallInfo): StoredResponse | undefined {
    return this.#store.find(key.url, key.caller, (entry) => isVariantFor(entry, key, call));
  }

  #record(call: CallInfo, head: ResponseHead, key: RequestKey): BodyObserver | undefined {
    const { maxEntryBytes } = this.#options;
    const announced = lengthOf(head);
    if (announced !== undefined && announced > maxEntryBytes) return undefined;
    const selection = selectionOf(call, head.header('vary'), this.#options);
    if (selection === undefined) return undefined;
    const request = { cacheControl: call.header('cache-control'), caller: key.caller };
    const stored = StoredHead.of({ status: head.status, fields: head.entries() }, request, this.#makePolicy);
    if (stored === undefined) return undefined;
    const slot = { key, selection };
    return new BodyCapture({ maxBytes: maxEntryBytes, allowance: this.#allowance, announced }, (body) =>
      this.#store.put(new StoredResponse(slot, stored, body)),
    );
  }

  /** A 304 to the app's own condition: what is stored is still so, if it is what the app has. */
  #refresh(call: CallInfo, head: ResponseHead, key: RequestKey): undefined {
    const stored = this.#find(key, call);
    if (stored === undefined) return;
    const validating = endToEnd(head.entries());
    if (!stored.head.isValidatedBy(validating)) return;
    const response = { status: stored.head.status, fields: stored.head.updatedWith(validating) };
    const request = { cacheControl: call.header('cache-control'), caller: key.caller };
    const refreshed = StoredHead.of(response, request, this.#makePolicy);
    const selection = selectionOf(call, refreshed?.header('vary'), this.#options);
    this.#store.remove(stored);
    if (refreshed === undefined || selection === undefined) return;
    this.#store.put(new StoredResponse({ key, selection }, refreshed, stored.body));
  }

  #invalidate(call: CallInfo, status: number): void {
    if (SAFE_METHODS.has(call.method) || status < 200 || status >= 400) return;
    this.#store.forget(urlOf(call));
  }

  /** Undefined where the cache has no part in the call. */
  #keyOf(call: CallInfo): RequestKey | undefined {
    // What it asks stands in its content, which is in no key: one Elasticsearch `_search` would get another's hits.
    if (call.hasContent()) return undefined;
    const key = keyOf(call, this.#options);
    return key.caller === ANYONE || this.#options.private ? key : undefined;
  }
}

/** What the app itself asks of a stored response (RFC 9111 §5.2.1). */
function wants(call: CallInfo, { ageMs, lifetimeMs }: Freshness): boolean {
  const field = (name: string): string | undefined => (isByFetch(call) ? undefined : call.header(name));
  const directives = parseDirectives(field('cache-control'), field('pragma'));
  if (directives.has('no-cache') || directives.has('no-store')) return false;
  const maxAge = secondsOf(directives, 'max-age');
  if (maxAge !== undefined && ageMs > maxAge * 1_000) return false;
  const minFresh = secondsOf(directives, 'min-fresh');
  if (minFresh !== undefined && lifetimeMs - ageMs < minFresh * 1_000) return false;
  // Without a value, any staleness will do.
  if (directives.get('max-stale') === '') return true;
  const maxStale = secondsOf(directives, 'max-stale');
  return maxStale === undefined || ageMs - lifetimeMs <= maxStale * 1_000;
}

/**
 * Whether the request's `no-cache` is no wish of the app's: fetch puts these two fields on every request that carries a
 * condition of the app's own (Fetch Standard, HTTP-network-or-cache fetch), so that no cache of its own answers it.
 */
function isByFetch(call: CallInfo): boolean {
  if (call.header('cache-control') !== 'no-cache' || call.header('pragma') !== 'no-cache') return false;
  return call.header('if-none-match') !== undefined || call.header('if-modified-since') !== undefined;
}

function lengthOf(head: ResponseHead): number | undefined {
  const value = head.header('content-length');
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

function captureBytes({ maxBytes, maxEntryBytes }: FallbackCacheOptions): number {
  return Math.max(maxEntryBytes, maxBytes * CAPTURE_SHARE);
}
