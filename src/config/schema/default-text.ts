import { formatDuration } from '../../common/duration.ts';
import type { StatusRange } from '../../strategies/verdict/options.ts';

/** Defaults as one would write them in the file. */

export function durationText(ms: number | undefined): string | number {
  if (ms === undefined) return 'off';
  return ms === 0 ? 0 : formatDuration(ms);
}

export function statusesText(ranges: readonly StatusRange[]): (string | number)[] {
  return ranges.map(({ from, to }) => (from === to ? from : `${from}-${to}`));
}
