const FAILED = 1;
const SLOW = 2;

/** The last `size` outcomes: a ring of one byte each, with running totals. */
export class CountWindow {
  readonly #ring: Uint8Array;
  #next = 0;
  #counted = 0;
  #failures = 0;
  #slow = 0;

  constructor(size: number) {
    this.#ring = new Uint8Array(size);
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
    if (this.#counted === this.#ring.length) this.#evict();
    else this.#counted++;
    this.#ring[this.#next] = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    if (failed) this.#failures++;
    if (slow) this.#slow++;
    this.#next = this.#next + 1 === this.#ring.length ? 0 : this.#next + 1;
  }

  /** Nothing ages here: outcomes leave only as others come. */
  advance(): void {}

  full(): boolean {
    return this.#counted === this.#ring.length;
  }

  clear(): void {
    this.#next = 0;
    this.#counted = 0;
    this.#failures = 0;
    this.#slow = 0;
  }

  /** A window of another size with the latest outcomes of this one; this one itself if the size is the same. */
  resized(size: number): CountWindow {
    const length = this.#ring.length;
    if (size === length) return this;
    const other = new CountWindow(size);
    for (let age = this.#counted; age > 0; age--) {
      const outcome = this.#ring[(this.#next - age + length) % length] ?? 0;
      other.record((outcome & FAILED) !== 0, (outcome & SLOW) !== 0);
    }
    return other;
  }

  #evict(): void {
    const oldest = this.#ring[this.#next] ?? 0;
    if ((oldest & FAILED) !== 0) this.#failures--;
    if ((oldest & SLOW) !== 0) this.#slow--;
  }
}
