import type { BodyObserver } from '../shared/contract.ts';

/**
 * What all bodies under way may hold together. They are not entries yet, and without a bound of their own many slow
 * responses at once would hold many times what the cache may.
 */
export class CaptureAllowance {
  #max: number;
  #used = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#max) return false;
    this.#used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }

  resize(max: number): void {
    this.#max = max;
  }
}

export interface CaptureLimits {
  readonly maxBytes: number;
  readonly allowance: CaptureAllowance;
  /** The length the response announced; a body of another is not whole. */
  readonly announced: number | undefined;
}

/** Copies a body that goes by, and hands it over when it is whole. Lets go of it all as soon as it is too long. */
export class BodyCapture implements BodyObserver {
  readonly #limits: CaptureLimits;
  readonly #whole: (body: Uint8Array) => void;
  #chunks: Uint8Array[] | undefined = [];
  #bytes = 0;

  constructor(limits: CaptureLimits, whole: (body: Uint8Array) => void) {
    this.#limits = limits;
    this.#whole = whole;
  }

  chunk(data: Uint8Array): void {
    if (this.#chunks === undefined) return;
    const { maxBytes, allowance } = this.#limits;
    if (this.#bytes + data.byteLength > maxBytes || !allowance.take(data.byteLength)) return this.#letGo();
    // Of its own memory: `data` may be a window on a parser's buffer, or on a pool it would keep alive.
    this.#chunks.push(new Uint8Array(data));
    this.#bytes += data.byteLength;
  }

  end(complete: boolean): void {
    const chunks = this.#chunks;
    const bytes = this.#bytes;
    this.#letGo();
    const { announced } = this.#limits;
    if (!complete || chunks === undefined || (announced !== undefined && announced !== bytes)) return;
    this.#whole(joined(chunks, bytes));
  }

  #letGo(): void {
    this.#limits.allowance.giveBack(this.#bytes);
    this.#chunks = undefined;
    this.#bytes = 0;
  }
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}
