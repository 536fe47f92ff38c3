import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { InstrumentationBase, InstrumentationConfig } from '@opentelemetry/instrumentation';
import { AppInstrumentationBase } from './bootstrap/otel-base.ts';
import { sharedRuntime } from './bootstrap/runtime.ts';
import type { ResilienceConfig } from './config/config-types.ts';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.ts';

/** The configuration in code: wins over the environment and the file. */
export interface ResilienceInstrumentationConfig extends InstrumentationConfig, Omit<ResilienceConfig, 'enabled'> {}

/**
 * The resilience pipeline as an OpenTelemetry instrumentation, for `NodeSDK({ instrumentations })` and
 * `registerInstrumentations`. Several instances, and the preload, share one set of circuits; the configuration given
 * last applies.
 */
export class ResilienceInstrumentation extends AppInstrumentationBase<ResilienceInstrumentationConfig> {
  constructor(config: ResilienceInstrumentationConfig | ResilienceConfig = {}) {
    const { enabled, ...options } = config;
    // Left undefined it means what it means for ours, while the base class would take it for a no.
    super(PACKAGE_NAME, PACKAGE_VERSION, enabled === undefined ? options : { ...options, enabled });
  }

  // No module definitions: http and undici are patched by the interception, which keeps outside every other wrapper.
  protected override init(): undefined {
    return undefined;
  }

  override enable(): void {
    super.enable();
    const { enabled: _enabled, ...options } = this.getConfig();
    sharedRuntime().enable(options);
  }

  override disable(): void {
    super.disable();
    sharedRuntime().disable();
  }

  override setTracerProvider(provider: TracerProvider): void {
    super.setTracerProvider(provider);
    sharedRuntime().telemetry?.useTracerProvider(provider);
  }

  override setLoggerProvider(provider: Parameters<InstrumentationBase['setLoggerProvider']>[0]): void {
    super.setLoggerProvider(provider);
    sharedRuntime().telemetry?.useLoggerProvider(provider);
  }

  override setMeterProvider(provider: MeterProvider): void {
    super.setMeterProvider(provider);
    sharedRuntime().telemetry?.useMeterProvider(provider);
  }
}
