import { endToEnd, type Field, fieldValue } from '../../common/http-fields.ts';
import { type Directives, forbidsStale, parseDirectives, secondsOf } from './cache-control.ts';
import { ANYONE, type RequestKey, type Selection } from './cache-key.ts';
import type { Freshness, PolicyMaker, StoredPolicy } from './cache-policy.ts';
import type { StoreEntry } from './cache-store.ts';
import { SOURCE_HEADER } from './substitute-marks.ts';

/** Where a response belongs in the cache. */
export interface CacheSlot {
  readonly key: RequestKey;
  readonly selection: Selection;
}

/** Good answers. Those to errors are cacheable too (404, 410, 501, …), but nothing to fall back on. */
const KEPT_STATUSES: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308]);

/** Of a 304: what is about the body, which stays as it is (RFC 9111 §3.2), and what is for this one caller. */
const NOT_UPDATED: ReadonlySet<string> = new Set(['content-encoding', 'content-range', 'content-type', 'set-cookie']);

/** Objects, maps and sets around an entry, roughly. */
const OVERHEAD_BYTES = 512;

/** A response without its body, on its way into the cache or already there. Its fields are what a hit is sent with. */
export class StoredHead {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly directives: Directives;
  readonly #policy: StoredPolicy;
  readonly #shared: boolean;

  private constructor(status: number, fields: readonly Field[], policy: StoredPolicy, shared: boolean) {
    this.status = status;
    this.fields = fields;
    this.#policy = policy;
    this.#shared = shared;
    this.directives = parseDirectives(fieldValue(fields, 'cache-control'), fieldValue(fields, 'pragma'));
  }

  /** Undefined for what may not be kept, or would be of no use. */
  static of(
    response: { readonly status: number; readonly fields: Iterable<Field> },
    request: { readonly cacheControl: string | undefined; readonly caller: string },
    makePolicy: PolicyMaker,
  ): StoredHead | undefined {
    const { status } = response;
    if (!KEPT_STATUSES.has(status)) return undefined;
    const received = endToEnd(response.fields);
    const shared = request.caller === ANYONE;
    if (shared && received.some(([name]) => name === 'set-cookie')) return undefined;
    // Events without an end.
    if (fieldValue(received, 'content-type')?.toLowerCase().startsWith('text/event-stream')) return undefined;
    const policy = makePolicy({ status, fields: received, requestCacheControl: request.cacheControl, shared });
    if (!policy.storable) return undefined;
    // An old cookie would take the place of a newer one.
    const fields = received.filter(([name]) => name !== 'set-cookie' && name !== SOURCE_HEADER);
    const head = new StoredHead(status, fields, policy, shared);
    // Never to be used unvalidated (RFC 9111 §5.2.2.4), and when a fallback is asked there is nobody to validate it.
    return head.directives.has('no-cache') ? undefined : head;
  }

  freshness(): Freshness | undefined {
    return this.#policy.freshness();
  }

  isValidatedBy(fields: readonly Field[]): boolean {
    return this.#policy.isValidatedBy(fields);
  }

  /** How long the response may be used past its freshness: what the operator grants, if upstream doesn't object. */
  staleMs(grantedMs: number): number {
    if (forbidsStale(this.directives, this.#shared)) return 0;
    const own = secondsOf(this.directives, 'stale-if-error');
    return own === undefined ? grantedMs : Math.min(grantedMs, own * 1_000);
  }

  header(name: string): string | undefined {
    return fieldValue(this.fields, name);
  }

  /** These fields with those of a 304 in their place (RFC 9111 §3.2). */
  updatedWith(validating: readonly Field[]): Field[] {
    const update = validating.filter(([name]) => !NOT_UPDATED.has(name));
    const replaced = new Set(update.map(([name]) => name));
    // An age of before the validation says nothing any more.
    replaced.add('age');
    return [...this.fields.filter(([name]) => !replaced.has(name)), ...update];
  }
}

/** A whole response in the cache. */
export class StoredResponse implements StoreEntry {
  readonly url: string;
  readonly caller: string;
  readonly fields: string;
  readonly selection: Selection;
  readonly head: StoredHead;
  readonly body: Uint8Array;
  readonly bytes: number;

  constructor(slot: CacheSlot, head: StoredHead, body: Uint8Array) {
    this.url = slot.key.url;
    this.caller = slot.key.caller;
    this.fields = slot.key.fields;
    this.selection = slot.selection;
    this.head = head;
    this.body = body;
    let bytes = OVERHEAD_BYTES + body.byteLength + this.url.length + this.caller.length + this.fields.length;
    // Twice: the policy keeps them too.
    for (const [name, value] of head.fields) bytes += 2 * (name.length + value.length);
    for (const [name, value] of slot.selection) bytes += name.length + (value?.length ?? 0);
    this.bytes = bytes;
  }
}
