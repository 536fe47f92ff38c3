import type { Pipeline } from './pipeline.ts';

/**
 * The pipelines in use, at most `max` of them. The least recently used one makes room, but never one whose circuit is
 * not closed, whose calls are running, or whose limits hold calls back just now: forgetting those would let traffic
 * through to an upstream that is known to be down, or hand out a limit twice.
 */
export class UpstreamRegistry {
  readonly #pipelines = new Map<string, Pipeline>();
  #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#pipelines.size;
  }

  values(): IterableIterator<Pipeline> {
    return this.#pipelines.values();
  }

  get(policy: string, upstream: string): Pipeline | undefined {
    return this.#pipelines.get(`${policy}\n${upstream}`);
  }

  /**
   * Keeps `pipeline`, making room for it if need be. When nothing can make room it isn't kept, and the call it was made
   * for runs on state of its own: bounded memory goes before the protection of one more upstream.
   */
  add(pipeline: Pipeline, nowMs: number): void {
    if (this.#pipelines.size >= this.#max && !this.#evictOne(nowMs)) {
      pipeline.evicted = true;
      return;
    }
    this.#pipelines.set(`${pipeline.policy}\n${pipeline.upstream}`, pipeline);
  }

  /** Scans: at most once per new upstream, and only when full, so that the path of a known one costs nothing. */
  #evictOne(nowMs: number): boolean {
    let oldestKey: string | undefined;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const [key, pipeline] of this.#pipelines) {
      if (pipeline.lastUsedMs < oldestMs && !pipeline.holdsState(nowMs)) {
        oldestKey = key;
        oldestMs = pipeline.lastUsedMs;
      }
    }
    if (oldestKey === undefined) return false;
    const evicted = this.#pipelines.get(oldestKey);
    if (evicted !== undefined) evicted.evicted = true;
    this.#pipelines.delete(oldestKey);
    return true;
  }
}
