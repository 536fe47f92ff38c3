import { COLUMNS, type Column, type History, type Point } from './document.ts';

/** How many points are kept of each upstream. */
export const MAX_POINTS = 300;

/** The moments at which samples were taken, shared by all histories: a ring of the last ones. */
export class SampleTimes {
  readonly #at = new Float64Array(MAX_POINTS);
  #taken = 0;

  /** The slot that the sample taken at `atMs` goes to. */
  next(atMs: number): number {
    const slot = this.#taken++ % MAX_POINTS;
    this.#at[slot] = atMs;
    return slot;
  }

  list(): number[] {
    return this.inOrder(this.#at);
  }

  /** The values of a ring, oldest first. */
  inOrder(ring: Float64Array): number[] {
    if (this.#taken <= MAX_POINTS) return Array.from(ring.subarray(0, this.#taken));
    const oldest = this.#taken % MAX_POINTS;
    return [...ring.subarray(oldest), ...ring.subarray(0, oldest)];
  }
}

/** The last points of one upstream, in memory that is taken once. NaN stands for what was not known. */
export class PointHistory {
  readonly #rings = columns(() => new Float64Array(MAX_POINTS).fill(Number.NaN));

  set(slot: number, point: Point): void {
    for (const column of COLUMNS) this.#rings[column][slot] = point[column] ?? Number.NaN;
  }

  read(times: SampleTimes): History {
    return columns((column) => times.inOrder(this.#rings[column]).map((value) => (Number.isNaN(value) ? null : value)));
  }
}

function columns<T>(make: (column: Column) => T): Record<Column, T> {
  return Object.fromEntries(COLUMNS.map((column) => [column, make(column)])) as Record<Column, T>;
}
