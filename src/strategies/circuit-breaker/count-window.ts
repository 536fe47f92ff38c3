const FAILED = 1;
const SLOW = 2;
const BITS = 2;
/** Outcomes in one number of the ring: as many as fit into a small integer. */
const PACKED = 15;

/** The last `size` outcomes: a ring of two bits each, with running totals. */
export class CountWindow {
  /** A plain array of packed numbers: a typed one would take five times the memory, and there are many of these. */
  readonly #ring: number[];
  readonly #size: number;
  #next = 0;
  #counted = 0;
  #failures = 0;
  #slow = 0;

  constructor(size: number) {
    this.#size = size;
    this.#ring = new Array<number>(Math.ceil(size / PACKED)).fill(0);
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

  record(failed: boolean, slow: boolean): void {
    if (this.#counted === this.#size) this.#evict();
    else this.#counted++;
    this.#put(this.#next, (failed ? FAILED : 0) | (slow ? SLOW : 0));
    if (failed) this.#failures++;
    if (slow) this.#slow++;
    this.#next = this.#next + 1 === this.#size ? 0 : this.#next + 1;
  }

  /** Nothing ages here: outcomes leave only as others come. */
  advance(): void {}

  full(): boolean {
    return this.#counted === this.#size;
  }

  clear(): void {
    this.#next = 0;
    this.#counted = 0;
    this.#failures = 0;
    this.#slow = 0;
  }

  /** A window of another size with the latest outcomes of this one; this one itself if the size is the same. */
  resized(size: number): CountWindow {
    const length = this.#size;
    if (size === length) return this;
    const other = new CountWindow(size);
    for (let age = this.#counted; age > 0; age--) {
      const outcome = this.#outcomeAt((this.#next - age + length) % length);
      other.record((outcome & FAILED) !== 0, (outcome & SLOW) !== 0);
    }
    return other;
  }

  #outcomeAt(index: number): number {
    const packed = this.#ring[Math.trunc(index / PACKED)] ?? 0;
    return (packed >> ((index % PACKED) * BITS)) & (FAILED | SLOW);
  }

  #put(index: number, outcome: number): void {
    const at = Math.trunc(index / PACKED);
    const shift = (index % PACKED) * BITS;
    this.#ring[at] = ((this.#ring[at] ?? 0) & ~((FAILED | SLOW) << shift)) | (outcome << shift);
  }

  #evict(): void {
    const oldest = this.#outcomeAt(this.#next);
    if ((oldest & FAILED) !== 0) this.#failures--;
    if ((oldest & SLOW) !== 0) this.#slow--;
  }
}
