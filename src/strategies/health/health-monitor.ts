import { CountWindow } from '../circuit-breaker/count-window.ts';
import type { HealthOptions } from './options.ts';

export type HealthListener = (state: 'healthy' | 'unhealthy', errorRatio: number) => void;

/** Watches the share of an upstream's last calls that failed. Calls we rejected ourselves are counted apart. */
export class HealthMonitor {
  #options: HealthOptions;
  #window: CountWindow;
  readonly #onChange: HealthListener;
  #unhealthy = false;
  #rejected = 0;
  /** When the next call is let through to an unhealthy primary; undefined until one has been diverted. */
  #nextProbeAtMs: number | undefined;

  constructor(options: HealthOptions, onChange: HealthListener) {
    this.#options = options;
    this.#window = new CountWindow(options.window);
    this.#onChange = onChange;
  }

  record(failed: boolean): void {
    this.#window.record(failed, false);
    this.#judge();
  }

  /** Has no part in the ratio, so that an open circuit makes its upstream look neither healthy nor worse. */
  recordRejection(): void {
    this.#rejected++;
  }

  /** Calls in the window. */
  get calls(): number {
    return this.#window.counted;
  }

  /** Failed calls among those in the window, 0..1; undefined before the first. */
  get errorRatio(): number | undefined {
    return this.calls === 0 ? undefined : this.#window.failures / this.calls;
  }

  get unhealthy(): boolean {
    return this.#unhealthy;
  }

  /** Rejected calls since the start. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Whether a fallback shall take this call. While unhealthy, one call per interval still goes to the primary. */
  failover(nowMs: number): boolean {
    if (!this.#unhealthy) return false;
    const probes = this.#nextProbeAtMs !== undefined && nowMs >= this.#nextProbeAtMs;
    if (probes || this.#nextProbeAtMs === undefined) this.#nextProbeAtMs = nowMs + this.#options.probeIntervalMs;
    return !probes;
  }

  /** Goes on under other options with the latest calls it knows. */
  reconfigure(options: HealthOptions): void {
    this.#window = this.#window.resized(options.window);
    this.#options = options;
    this.#judge();
  }

  #judge(): void {
    const ratio = this.errorRatio;
    if (ratio === undefined) return;
    const unhealthy = this.calls >= this.#options.minimumCalls && ratio > this.#options.threshold;
    if (unhealthy === this.#unhealthy) return;
    this.#unhealthy = unhealthy;
    this.#nextProbeAtMs = undefined;
    this.#onChange(unhealthy ? 'unhealthy' : 'healthy', ratio);
  }
}
