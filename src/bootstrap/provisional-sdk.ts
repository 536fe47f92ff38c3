import type { TracerProvider } from '@opentelemetry/api';
import { apiRegistry } from '../telemetry/api-registry.ts';
import { type LoggerProvider, ProvisionalLoggers } from './provisional-loggers.ts';
import { yieldRegistry } from './provisional-registry.ts';
import { ProvisionalTracerProvider, type SdkProvider } from './provisional-tracers.ts';

/** The API's stand-in for a tracer provider, which is what an SDK's registration leaves in the registry. */
interface ProxyTracerProvider {
  getDelegate?(): (TracerProvider & SdkProvider) | undefined;
  setDelegate?(provider: TracerProvider | undefined): void;
}

/**
 * Our SDK, once it is started and registered: there until the app, or a package in it, registers one of its own.
 *
 * Then ours starts nothing new. What it had recorded is exported, its spans that are still open too when they end, and its
 * metrics are read a last time. It isn't shut down before the process ends.
 */
export class ProvisionalSdk {
  readonly #shutdown: () => Promise<void>;
  readonly #onRetired: () => void;
  readonly #proxy: ProxyTracerProvider | undefined;
  readonly #spans: (TracerProvider & SdkProvider) | undefined;
  readonly #metrics: SdkProvider | undefined;
  readonly #tracers: ProvisionalTracerProvider | undefined;
  readonly #loggers: ProvisionalLoggers | undefined;
  #lastMetrics: Promise<void> | undefined;
  #retired = false;

  /** To be made right after the SDK has registered itself. `shutdown`: the SDK's own. */
  constructor(sdkFile: string, shutdown: () => Promise<void>, onRetired: () => void) {
    this.#shutdown = shutdown;
    this.#onRetired = onRetired;
    const registry = apiRegistry();
    this.#metrics = registry?.metrics as SdkProvider | undefined;
    this.#proxy = registry?.trace as ProxyTracerProvider | undefined;
    this.#spans = this.#proxy?.getDelegate?.();
    if (this.#spans !== undefined) {
      this.#tracers = new ProvisionalTracerProvider(this.#spans);
      this.#proxy?.setDelegate?.(this.#tracers);
    }
    this.#loggers = ProvisionalLoggers.replace(sdkFile);
    yieldRegistry(() => this.#retire());
  }

  get retired(): boolean {
    return this.#retired;
  }

  /** For our own records, which may not find it by the API. */
  get loggerProvider(): LoggerProvider | undefined {
    return this.#loggers;
  }

  /** At the end of the process. */
  async shutdown(): Promise<void> {
    if (!this.#retired) return this.#shutdown();
    this.#lastMetrics ??= this.#metrics?.shutdown?.();
    await Promise.all([this.#lastMetrics, this.#spans?.shutdown?.(), this.#loggers?.ours.shutdown?.()]);
  }

  #retire(): void {
    this.#retired = true;
    this.#tracers?.retire();
    this.#loggers?.retire();
    this.#proxy?.setDelegate?.(undefined);
    // When the other SDK is in its place: its context manager then tells that these exports are not to be traced.
    setImmediate(() => {
      this.#flush().catch(() => {}); // an exporter that fails says so through `diag`
      this.#onRetired();
    });
  }

  async #flush(): Promise<void> {
    this.#lastMetrics ??= this.#metrics?.shutdown?.();
    await Promise.all([this.#lastMetrics, this.#spans?.forceFlush?.(), this.#loggers?.ours.forceFlush?.()]);
  }
}
