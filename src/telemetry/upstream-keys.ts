import { OTHER } from './names.ts';

/** SDKs drop series beyond 2,000 per instrument without a word of which; this keeps upstreams clear of that. */
const MAX_UPSTREAMS = 200;

/** Names of upstreams as metrics may use them: the first ones by name, the rest together. */
export class UpstreamKeys {
  readonly #known = new Set<string>();

  keyOf(upstream: string): string {
    if (this.#known.has(upstream)) return upstream;
    if (this.#known.size >= MAX_UPSTREAMS) return OTHER;
    this.#known.add(upstream);
    return upstream;
  }

  circuitKeyOf(upstream: string, circuit: string): string {
    return this.keyOf(upstream) === OTHER ? OTHER : circuit;
  }
}
