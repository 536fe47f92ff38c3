import type { Pipeline } from './pipeline.ts';

/** Most pipelines that are looked at to make room for one: what an unknown upstream costs, however many are known. */
const LOOKS = 16;

/**
 * The pipelines in use, at most `max` of them. A full registry makes room among the next `LOOKS` of them, in turns: the
 * least recently used one goes, but never one that holds state worth protecting an upstream with (a circuit that is
 * open, calls under way, limits that hold calls back just now). Up to `LOOKS` pipelines that is exactly the least
 * recently used one; beyond, one that at least `LOOKS` − 1 others were used after, unless those have to stay.
 */
export class UpstreamRegistry {
  /** By policy and upstream: no key has to be put together, or kept. */
  readonly #pipelines = new Map<string, Map<string, Pipeline>>();
  /** The same, by places; an evicted one leaves its place to its successor. */
  readonly #places: Pipeline[] = [];
  /** The next place to look at. */
  #hand = 0;
  #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#places.length;
  }

  values(): IterableIterator<Pipeline> {
    return this.#places.values();
  }

  get(policy: string, upstream: string): Pipeline | undefined {
    return this.#pipelines.get(policy)?.get(upstream);
  }

  /**
   * Keeps `pipeline`, making room for it if need be. When none of those looked at can make room it isn't kept, and the
   * call it was made for runs on state of its own: bounded memory goes before the protection of one more upstream. The
   * next call looks further on.
   */
  add(pipeline: Pipeline, nowMs: number): void {
    const place = this.#places.length < this.#max ? this.#places.length : this.#findVictim(nowMs);
    if (place === undefined) {
      pipeline.evicted = true;
      return;
    }
    const victim = this.#places[place];
    if (victim !== undefined) {
      victim.evicted = true;
      this.#pipelines.get(victim.policy)?.delete(victim.upstream);
    }
    this.#places[place] = pipeline;
    let ofPolicy = this.#pipelines.get(pipeline.policy);
    if (ofPolicy === undefined) {
      ofPolicy = new Map();
      this.#pipelines.set(pipeline.policy, ofPolicy);
    }
    ofPolicy.set(pipeline.upstream, pipeline);
  }

  #findVictim(nowMs: number): number | undefined {
    let victim: number | undefined;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (let looks = Math.min(LOOKS, this.#places.length); looks > 0; looks--) {
      const place = this.#hand;
      this.#hand = place + 1 === this.#places.length ? 0 : place + 1;
      const pipeline = this.#places[place];
      if (pipeline !== undefined && pipeline.lastUsedMs < oldestMs && !pipeline.holdsState(nowMs)) {
        victim = place;
        oldestMs = pipeline.lastUsedMs;
      }
    }
    return victim;
  }
}
