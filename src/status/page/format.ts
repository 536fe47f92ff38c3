import { countText, percentText } from '../situation.ts';

/** Numbers with their units as the page shows them. A dash stands for what is not known. */
export const UNKNOWN = '–';

export const count = countText;

export function percent(ratio: number | null | undefined): string {
  return ratio == null ? UNKNOWN : percentText(ratio);
}

export function rate(perSecond: number | null | undefined): string {
  if (perSecond == null) return UNKNOWN;
  return perSecond >= 100 ? countText(perSecond) : perSecond.toFixed(1);
}

export function duration(ms: number | null | undefined): string {
  if (ms == null) return UNKNOWN;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

export function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** Of the day, in the reader's time zone. */
export function time(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
