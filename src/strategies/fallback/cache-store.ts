import { isSameVariant, type Variant } from './cache-key.ts';

/** What the store must know of an entry to find it again and to count it. */
export interface StoreEntry extends Variant {
  readonly url: string;
  readonly caller: string;
  /** All that is kept for the entry, about. */
  readonly bytes: number;
}

/** Variants of one URL for one caller: they are searched one by one, and free-form fields have no end. */
const MAX_VARIANTS = 32;

/** Keeps the most recently used entries, as many as `maxBytes` hold. */
export class CacheStore<E extends StoreEntry> {
  /** By URL and caller; the newest variant last. */
  readonly #urls = new Map<string, Map<string, E[]>>();
  /** The least recently used first. */
  readonly #recency = new Set<E>();
  #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#recency.size;
  }

  /** The newest entry that `matches`; it counts as used. */
  find(url: string, caller: string, matches: (entry: E) => boolean): E | undefined {
    const found = this.#urls.get(url)?.get(caller)?.findLast(matches);
    if (found !== undefined) {
      this.#recency.delete(found);
      this.#recency.add(found);
    }
    return found;
  }

  /** Keeps `entry` in place of the same variant. One that is larger than the store is not kept. */
  put(entry: E): void {
    if (entry.bytes > this.#maxBytes) return;
    const variants = this.#urls.get(entry.url)?.get(entry.caller);
    const replaced = variants?.find((other) => isSameVariant(other, entry));
    if (replaced !== undefined) this.remove(replaced);
    else if (variants !== undefined && variants.length >= MAX_VARIANTS && variants[0]) this.remove(variants[0]);
    this.#shrinkTo(this.#maxBytes - entry.bytes);
    this.#add(entry);
  }

  remove(entry: E): void {
    if (!this.#recency.delete(entry)) return;
    this.#bytes -= entry.bytes;
    const callers = this.#urls.get(entry.url);
    const variants = callers?.get(entry.caller);
    if (callers === undefined || variants === undefined) return;
    variants.splice(variants.indexOf(entry), 1);
    if (variants.length === 0) callers.delete(entry.caller);
    if (callers.size === 0) this.#urls.delete(entry.url);
  }

  /** Forgets what is kept of a URL, for one caller or for all. */
  forget(url: string, caller?: string): void {
    const callers = this.#urls.get(url);
    if (callers === undefined) return;
    const variants = caller === undefined ? [...callers.values()].flat() : [...(callers.get(caller) ?? [])];
    for (const entry of variants) this.remove(entry);
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#shrinkTo(maxBytes);
  }

  #add(entry: E): void {
    const callers = this.#urls.get(entry.url) ?? new Map<string, E[]>();
    const variants = callers.get(entry.caller) ?? [];
    variants.push(entry);
    callers.set(entry.caller, variants);
    this.#urls.set(entry.url, callers);
    this.#recency.add(entry);
    this.#bytes += entry.bytes;
  }

  #shrinkTo(bytes: number): void {
    for (const entry of this.#recency) {
      if (this.#bytes <= bytes) return;
      this.remove(entry);
    }
  }
}
