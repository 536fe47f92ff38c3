/** Buckets to a doubling: the middle of a bucket is within 1/16 of every duration in it. */
const PER_OCTAVE = 8;
/** From a quarter of a millisecond on; what is shorter shares the first bucket. */
const SMALLEST_MS = 0.25;
/** Up to about a minute and a half; what is longer shares the last bucket. */
const OCTAVES = 18;
const BUCKETS = 1 + OCTAVES * PER_OCTAVE;

/**
 * Durations in buckets that grow with them, so that a quantile is off by a sixteenth at most, or a quarter of a
 * millisecond, whatever the traffic. Of fixed size; recording allocates nothing. Two of them can be added up.
 */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  /** Durations recorded. */
  get total(): number {
    return this.#total;
  }

  record(durationMs: number): void {
    const bucket = bucketOf(durationMs);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
  }

  /** Adds what `other` has recorded. */
  merge(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#total += other.#total;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The duration in milliseconds that the share `q` (0..1) of all stay within; undefined while there are none. */
  quantile(q: number): number | undefined {
    return quantileOf(q, this, undefined);
  }

  /** The same of two histograms together, without adding them up. */
  static quantileOfBoth(q: number, one: LatencyHistogram, other: LatencyHistogram): number | undefined {
    return quantileOf(q, one, other);
  }

  /** Durations in one bucket. */
  countAt(bucket: number): number {
    return this.#counts[bucket] ?? 0;
  }
}

/** The durations of the last `windowMs` to twice that: two halves take turns, and the older one is emptied. */
export class RecentLatency {
  readonly #windowMs: number;
  #current: LatencyHistogram = new LatencyHistogram();
  #previous: LatencyHistogram = new LatencyHistogram();
  #turnAtMs: number;

  constructor(windowMs: number, nowMs: number) {
    this.#windowMs = windowMs;
    this.#turnAtMs = nowMs + windowMs;
  }

  record(durationMs: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.record(durationMs);
  }

  /** How many durations the quantiles are of. */
  total(nowMs: number): number {
    this.#turn(nowMs);
    return this.#current.total + this.#previous.total;
  }

  quantile(q: number, nowMs: number): number | undefined {
    this.#turn(nowMs);
    return LatencyHistogram.quantileOfBoth(q, this.#current, this.#previous);
  }

  #turn(nowMs: number): void {
    if (nowMs < this.#turnAtMs) return;
    const idle = nowMs >= this.#turnAtMs + this.#windowMs;
    const emptied = this.#previous;
    emptied.clear();
    if (idle) this.#current.clear();
    this.#previous = this.#current;
    this.#current = emptied;
    // From when it was due, not from now: else what is old stays for longer.
    this.#turnAtMs = (idle ? nowMs : this.#turnAtMs) + this.#windowMs;
  }
}

function bucketOf(durationMs: number): number {
  // Written so that NaN, too, is in the first.
  if (!(durationMs >= SMALLEST_MS)) return 0;
  const octave = Math.floor(Math.log2(durationMs / SMALLEST_MS));
  if (octave >= OCTAVES) return BUCKETS - 1;
  const startMs = SMALLEST_MS * 2 ** octave;
  return 1 + octave * PER_OCTAVE + Math.min(PER_OCTAVE - 1, Math.floor((durationMs / startMs - 1) * PER_OCTAVE));
}

/** Where a bucket begins; it ends where the next one does. */
function startOf(bucket: number): number {
  if (bucket === 0) return 0;
  const octave = Math.floor((bucket - 1) / PER_OCTAVE);
  return SMALLEST_MS * 2 ** octave * (1 + ((bucket - 1) % PER_OCTAVE) / PER_OCTAVE);
}

function quantileOf(q: number, one: LatencyHistogram, other: LatencyHistogram | undefined): number | undefined {
  const total = one.total + (other?.total ?? 0);
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(Math.min(1, Math.max(0, q)) * total));
  let below = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    below += one.countAt(bucket) + (other?.countAt(bucket) ?? 0);
    if (below >= rank) return (startOf(bucket) + startOf(bucket + 1)) / 2;
  }
  return startOf(BUCKETS);
}
