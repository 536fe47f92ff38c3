import { parseRetryAfter } from '../../common/retry-after.ts';
import type { ResponseHead } from '../shared/contract.ts';

const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;

/** Closed while the upstream has asked for no calls. Another, shorter `Retry-After` doesn't open it sooner. */
export class RetryAfterGate {
  #opensAtMs = Number.NEGATIVE_INFINITY;

  get opensAtMs(): number {
    return this.#opensAtMs;
  }

  /** True: it stays closed for longer now. */
  onResponse(head: ResponseHead, maxMs: number, nowMs: number, wallClockMs: number): boolean {
    if (head.status !== TOO_MANY_REQUESTS && head.status !== SERVICE_UNAVAILABLE) return false;
    const afterMs = parseRetryAfter(head.header('retry-after'), wallClockMs);
    if (afterMs === undefined) return false;
    const opensAtMs = nowMs + Math.min(afterMs, maxMs);
    if (opensAtMs <= this.#opensAtMs) return false;
    this.#opensAtMs = opensAtMs;
    return true;
  }

  openBy(atMs: number): void {
    this.#opensAtMs = Math.min(this.#opensAtMs, atMs);
  }
}
