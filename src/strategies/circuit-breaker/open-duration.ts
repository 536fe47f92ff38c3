import type { OpenOptions } from './options.ts';

/**
 * How long the circuit stays open, in milliseconds: the n-th opening in a row lasts `multiplier` times longer than the
 * one before, up to the cap. The jitter comes after the cap, for it is at the cap, in a long outage, that processes
 * would otherwise fall in step; so the longest time is `maxDurationMs * (1 + jitter)`.
 */
export function openDurationMs(options: OpenOptions, openings: number, random: () => number): number {
  const grownMs = options.durationMs * options.multiplier ** (openings - 1);
  const cappedMs = Math.min(grownMs, options.maxDurationMs);
  return cappedMs * (1 + options.jitter * (2 * random() - 1));
}
