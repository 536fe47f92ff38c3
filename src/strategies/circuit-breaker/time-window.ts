import type { TimeWindowOptions } from './options.ts';

// Each slice is three neighbouring counts in one array.
const COUNTED = 0;
const FAILURES = 1;
const SLOW = 2;
const FIELDS = 3;

/**
 * The outcomes of the last `durationMs`, in slices of a ring with running totals. No timer moves it: whoever reads or
 * records passes the time, and as many slices are dropped as have gone by since (an idle hour drops them all).
 */
export class TimeWindow {
  readonly #sliceMs: number;
  readonly #durationMs: number;
  /** A plain array: of this size a typed one would take thrice the memory. */
  readonly #slices: number[];
  /** Number of the current slice, counted from the clock's zero. */
  #slice: number;
  /** Where the current slice begins in `#slices`. */
  #at = 0;
  #clearedAtMs: number;
  #counted = 0;
  #failures = 0;
  #slow = 0;

  constructor(options: TimeWindowOptions, nowMs: number) {
    this.#sliceMs = options.durationMs / options.buckets;
    this.#durationMs = options.durationMs;
    this.#slices = new Array<number>(options.buckets * FIELDS).fill(0);
    this.#slice = Math.floor(nowMs / this.#sliceMs);
    this.#clearedAtMs = nowMs;
  }

  get counted(): number {
    return this.#counted;
  }

  get failures(): number {
    return this.#failures;
  }

  get slow(): number {
    return this.#slow;
  }

  record(failed: boolean, slow: boolean, nowMs: number): void {
    this.advance(nowMs);
    this.#add(COUNTED);
    this.#counted++;
    if (failed) {
      this.#add(FAILURES);
      this.#failures++;
    }
    if (slow) {
      this.#add(SLOW);
      this.#slow++;
    }
  }

  advance(nowMs: number): void {
    const slice = Math.floor(nowMs / this.#sliceMs);
    if (slice <= this.#slice) return;
    const passed = Math.min(slice - this.#slice, this.#slices.length / FIELDS);
    for (let i = 0; i < passed; i++) this.#dropOldest();
    this.#slice = slice;
  }

  full(nowMs: number): boolean {
    return nowMs - this.#clearedAtMs >= this.#durationMs;
  }

  clear(nowMs: number): void {
    this.#slices.fill(0);
    this.#slice = Math.floor(nowMs / this.#sliceMs);
    this.#clearedAtMs = nowMs;
    this.#counted = 0;
    this.#failures = 0;
    this.#slow = 0;
  }

  /** The oldest slice, next in the ring, becomes the empty current one. */
  #dropOldest(): void {
    const next = this.#at + FIELDS;
    this.#at = next === this.#slices.length ? 0 : next;
    this.#counted -= this.#take(COUNTED);
    this.#failures -= this.#take(FAILURES);
    this.#slow -= this.#take(SLOW);
  }

  #add(field: number): void {
    this.#slices[this.#at + field] = (this.#slices[this.#at + field] ?? 0) + 1;
  }

  #take(field: number): number {
    const count = this.#slices[this.#at + field] ?? 0;
    this.#slices[this.#at + field] = 0;
    return count;
  }
}
