export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** What a process does when it is let alone: the median of the cheapest quarter. Disturbance only ever adds. */
export function undisturbed(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return median(sorted.slice(0, Math.max(1, Math.ceil(sorted.length / 4))));
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarise(values: readonly number[]): Summary {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** A ratio of medians, and where nine out of ten repetitions of the run would put it. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1_000;

/**
 * Of one variant to another, each by one figure per generation of processes. The interval comes from drawing generations at
 * random (bootstrap), both variants of a generation together, so that what slowed all of it down cancels out.
 */
export function ratioOf(own: readonly number[], base: readonly number[]): Interval {
  const random = pseudoRandom(1);
  const drawn: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const picks = own.map(() => Math.floor(random() * own.length));
    const of = (values: readonly number[]) => median(picks.map((pick) => values[pick] ?? Number.NaN));
    drawn.push(of(own) / of(base));
  }
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.floor(share * RESAMPLES)] ?? Number.NaN;
  return { value: median(own) / median(base), low: at(0.05), high: at(0.95) };
}

/** Half the width of the interval, as a share of its value. */
export function uncertainty({ value, low, high }: Interval): number {
  return Math.max(high - value, value - low) / value;
}

/** The same numbers in every run (mulberry32). */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
