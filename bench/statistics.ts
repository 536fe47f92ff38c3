export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median, and between what the middle half and all of the values lie. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly quartiles: readonly [number, number];
}

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: median(sorted), min: at(0), max: at(1), quartiles: [at(0.25), at(0.75)] };
}

/** Of each value to the other of the same round, so that what slows a whole round down cancels out. */
export function ratios(values: readonly number[], baseline: readonly number[]): number[] {
  return values.map((value, round) => value / (baseline[round] ?? Number.NaN));
}
