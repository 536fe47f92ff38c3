import { CountWindow } from './count-window.ts';
import type { CircuitBreakerOptions } from './options.ts';
import { TimeWindow } from './time-window.ts';

/** Running totals over the latest attempts with a verdict. Reading and recording cost the same however many they are. */
export interface OutcomeWindow {
  readonly counted: number;
  readonly failures: number;
  readonly slow: number;
  record(failed: boolean, slow: boolean, nowMs: number): void;
  /** Drops what is too old by now; to be called before the totals are read. */
  advance(nowMs: number): void;
  /** Whether a whole window has gone by since the last `clear`. */
  full(nowMs: number): boolean;
  clear(nowMs: number): void;
}

export type WindowOptions = CircuitBreakerOptions['window'];

export function createWindow(options: WindowOptions, nowMs: number): OutcomeWindow {
  return options.type === 'time' ? new TimeWindow(options, nowMs) : new CountWindow(options.size);
}

/**
 * The window that goes on under new options: the same one if its shape is unchanged, a count window's latest outcomes
 * if only its size differs. Slices of another length cannot be filled from the old ones, so those start empty.
 */
export function continueWindow(
  window: OutcomeWindow,
  from: WindowOptions,
  to: WindowOptions,
  nowMs: number,
): OutcomeWindow {
  if (from.type === 'time' && to.type === 'time') {
    if (from.durationMs === to.durationMs && from.buckets === to.buckets) return window;
  }
  if (window instanceof CountWindow && to.type === 'count') return window.resized(to.size);
  return createWindow(to, nowMs);
}
