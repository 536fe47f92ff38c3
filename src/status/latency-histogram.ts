import type { Latency } from './document.ts';

/** Upper bounds of the buckets in milliseconds: 1 ms to 60 s, each a quarter more than the one before. */
const BOUNDS: readonly number[] = Array.from({ length: 51 }, (_, index) => Math.min(1.25 ** index, 60_000));

/** How long one half of the window lasts. */
const HALF_MS = 10_000;

/**
 * Durations of the last 10 to 20 s in fixed buckets, so that a percentile is off by a quarter or a millisecond at most
 * whatever the traffic, and a call costs a search of six steps. Two halves take turns; the older one is emptied when its time is over.
 */
export class LatencyHistogram {
  #current = new Uint32Array(BOUNDS.length + 1);
  #previous = new Uint32Array(BOUNDS.length + 1);
  #turnAtMs: number;

  constructor(nowMs: number) {
    this.#turnAtMs = nowMs + HALF_MS;
  }

  record(durationMs: number): void {
    const bucket = bucketOf(durationMs);
    this.#current[bucket] = (this.#current[bucket] ?? 0) + 1;
  }

  /** Null when no call ended lately. */
  read(nowMs: number): Latency | null {
    this.#turn(nowMs);
    const counts = this.#current.map((count, bucket) => count + (this.#previous[bucket] ?? 0));
    const count = counts.reduce((sum, each) => sum + each, 0);
    if (count === 0) return null;
    return { p50Ms: percentile(counts, 0.5 * count), p95Ms: percentile(counts, 0.95 * count), count };
  }

  #turn(nowMs: number): void {
    if (nowMs < this.#turnAtMs) return;
    const idle = nowMs >= this.#turnAtMs + HALF_MS;
    [this.#current, this.#previous] = [this.#previous, this.#current];
    this.#current.fill(0);
    if (idle) this.#previous.fill(0);
    this.#turnAtMs = nowMs + HALF_MS;
  }
}

/** The first bucket whose bound is not below the duration. */
function bucketOf(durationMs: number): number {
  let low = 0;
  let high = BOUNDS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((BOUNDS[middle] ?? 0) < durationMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the `rank`-th duration lies, as if the durations of a bucket were spread evenly in it. */
function percentile(counts: Uint32Array, rank: number): number {
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = BOUNDS[bucket - 1] ?? 0;
      const to = BOUNDS[bucket] ?? from;
      return from + (to - from) * ((rank - below) / count);
    }
    below += count;
  }
  return 0;
}
