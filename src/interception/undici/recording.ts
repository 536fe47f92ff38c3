/** A copy of content that goes by, up to a limit of bytes. */
export class Recording {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #complete = false;

  /** A negative limit: nothing is kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `broken`: no more will come, though the end has not. */
  state(broken: boolean): 'growing' | 'complete' | 'too_large' | 'consumed' {
    if (this.#size > this.#limit) return 'too_large';
    if (this.#complete) return 'complete';
    return broken ? 'consumed' : 'growing';
  }

  get ended(): boolean {
    return this.#complete;
  }

  add(chunk: unknown): void {
    if (this.#size > this.#limit) return;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    // Undici will refuse it; should it not, it is at least not sent again without.
    if (!(bytes instanceof Uint8Array)) return this.#overflow();
    this.#size += bytes.byteLength;
    if (this.#size > this.#limit) this.#overflow();
    else this.#chunks.push(Buffer.copyBytesFrom(bytes));
  }

  #overflow(): void {
    this.#size = Number.POSITIVE_INFINITY;
    this.#chunks.length = 0;
  }

  end(): void {
    this.#complete = true;
  }

  replay(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
