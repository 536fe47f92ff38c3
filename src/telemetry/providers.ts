import * as api from '@opentelemetry/api';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.ts';

/**
 * Finds the SDK's tracer, meter and logger, whenever it is registered. A provider that was given explicitly (by
 * `registerInstrumentations` or NodeSDK) wins over the global one, unless it does nothing.
 */

/** What is used of the Logs API, whose types are in another package on each line of the SDK. */
export interface Logger {
  emit(record: LogRecord): void;
  enabled?(options: { context: api.Context; severityNumber: number; eventName: string }): boolean;
}

export interface LogRecord {
  readonly eventName: string;
  readonly timestamp: number;
  readonly severityNumber: number;
  readonly body: string;
  readonly attributes: api.Attributes;
  readonly context: api.Context;
}

export interface LoggerProvider {
  getLogger(name: string, version?: string): Logger;
}

/** Undefined while no SDK is there, so that nothing is done for it. */
export class TracerSource {
  #explicit: api.TracerProvider | undefined;
  #provider: api.TracerProvider | undefined;
  #tracer: api.Tracer | undefined;

  use(provider: api.TracerProvider | undefined): void {
    this.#explicit = provider;
    this.#provider = undefined;
    this.#tracer = undefined;
  }

  tracer(): api.Tracer | undefined {
    const provider = this.#explicit ?? api.trace.getTracerProvider();
    // The global provider is a proxy, the same before and after an SDK is registered: what it has found is kept, what
    // it has not found yet is asked for again.
    if (provider === this.#provider && this.#tracer !== undefined) return this.#tracer;
    this.#provider = provider;
    this.#tracer = isProxy(provider)
      ? provider.getDelegateTracer(PACKAGE_NAME, PACKAGE_VERSION)
      : provider.getTracer(PACKAGE_NAME, PACKAGE_VERSION);
    return this.#tracer;
  }
}

/** The API's stand-in before an SDK is registered, of whatever copy of the API. */
interface ProxyProvider {
  getDelegateTracer(name: string, version: string): api.Tracer | undefined;
}

function isProxy(provider: object): provider is ProxyProvider {
  return 'getDelegateTracer' in provider;
}

export class MeterSource {
  #explicit: api.MeterProvider | undefined;

  use(provider: api.MeterProvider | undefined): void {
    // NodeSDK hands over the global provider before it has registered its own: that one does nothing for ever.
    this.#explicit = provider !== undefined && !isNoopMeterProvider(provider) ? provider : undefined;
  }

  /** Compared by identity at each call: the Metrics API has no late-binding proxy. */
  provider(): api.MeterProvider {
    return this.#explicit ?? api.metrics.getMeterProvider();
  }
}

export function isNoopMeterProvider(provider: api.MeterProvider): boolean {
  return provider.getMeter(PACKAGE_NAME, PACKAGE_VERSION) === api.createNoopMeter();
}

/**
 * The Logs API is part of @opentelemetry/api from 1.10, and was the package @opentelemetry/api-logs before, which keeps
 * its provider under a symbol that all its copies share. SDK 2.x registers there even beside api 1.10, so both places
 * are asked, and the first that takes the record has it.
 */
const API_LOGS = Symbol.for('io.opentelemetry.js.api.logs');
const API_LOGS_COMPATIBILITY_VERSION = 1;

export class LoggerSource {
  #explicit: LoggerProvider | undefined;
  readonly #loggers = new WeakMap<LoggerProvider, Logger>();

  use(provider: LoggerProvider | undefined): void {
    this.#explicit = provider;
  }

  /** The logger that wants a record like this one; undefined: nobody does. */
  loggerFor(context: api.Context, severityNumber: number, eventName: string): Logger | undefined {
    for (const provider of [this.#explicit, logsOfApi(), logsOfApiLogs()]) {
      const logger = provider && this.#loggerOf(provider);
      if (logger && (logger.enabled?.({ context, severityNumber, eventName }) ?? true)) return logger;
    }
    return undefined;
  }

  #loggerOf(provider: LoggerProvider): Logger {
    let logger = this.#loggers.get(provider);
    if (logger === undefined) {
      logger = provider.getLogger(PACKAGE_NAME, PACKAGE_VERSION);
      this.#loggers.set(provider, logger);
    }
    return logger;
  }
}

function logsOfApi(): LoggerProvider | undefined {
  return (api as { logs?: { getLoggerProvider(): LoggerProvider } }).logs?.getLoggerProvider();
}

function logsOfApiLogs(): LoggerProvider | undefined {
  const getter = (globalThis as { [API_LOGS]?: (version: number) => LoggerProvider })[API_LOGS];
  return getter?.(API_LOGS_COMPATIBILITY_VERSION);
}
