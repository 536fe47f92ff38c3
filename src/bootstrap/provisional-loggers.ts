import { createRequire } from 'node:module';
import { apiRegistry, loadApi } from '../telemetry/api-registry.ts';
import type { SdkProvider } from './provisional-tracers.ts';

/** What is used of the Logs API, whose types are in another package on each line of the SDK. */
interface Logger {
  emit(record: unknown): void;
  enabled?(options?: unknown): boolean;
}
export interface LoggerProvider {
  getLogger(...args: unknown[]): Logger;
}
/** The stand-in that each copy of the Logs API has, for what the app asked of it before there was a provider. */
interface ProxyProvider extends LoggerProvider {
  _setDelegate?(provider: LoggerProvider | undefined): void;
}
interface LogsApi {
  getLoggerProvider(): ProxyProvider;
}

/** The package @opentelemetry/api-logs, which SDK 2.x registers with, keeps its provider under this key. */
const API_LOGS_KEY = Symbol.for('io.opentelemetry.js.api.logs');
const API_LOGS_VERSION = 1;
const globals = globalThis as { [API_LOGS_KEY]?: (version: number) => LoggerProvider };
const NO_LOGGER: Logger = { emit: () => {}, enabled: () => false };

/**
 * Stands before the logger provider that our SDK has just registered. With @opentelemetry/api-logs nothing shows whether a
 * place is looked at for a registration or for use: there ours leaves its place free, and is reached by the stand-in alone.
 */
export class ProvisionalLoggers implements LoggerProvider {
  readonly #ours: LoggerProvider & SdkProvider;
  readonly #proxies: ProxyProvider[] = [];
  #retired = false;

  /** Undefined where our SDK has no logs. `sdkFile`: where the SDK was loaded from. */
  static replace(sdkFile: string): ProvisionalLoggers | undefined {
    const registry = apiRegistry() as { logs?: LoggerProvider } | undefined;
    const ofApiLogs = globals[API_LOGS_KEY]?.(API_LOGS_VERSION);
    const ours = ofApiLogs ?? registry?.logs;
    if (ours === undefined) return undefined;
    const loggers = new ProvisionalLoggers(ours);
    if (ofApiLogs !== undefined) {
      delete globals[API_LOGS_KEY];
      loggers.#stand(apiLogsOf(sdkFile));
    } else if (registry !== undefined) {
      delete registry.logs;
      loggers.#stand((loadApi() as { logs?: LogsApi }).logs);
      registry.logs = loggers;
    }
    return loggers;
  }

  private constructor(ours: LoggerProvider) {
    this.#ours = ours;
  }

  get ours(): LoggerProvider & SdkProvider {
    return this.#ours;
  }

  retire(): void {
    this.#retired = true;
    for (const proxy of this.#proxies) proxy._setDelegate?.(undefined);
  }

  getLogger(...args: unknown[]): Logger {
    const ours = this.#ours.getLogger(...args);
    let provider: LoggerProvider | undefined;
    let logger = ours;
    const current = (): Logger => {
      const now = this.#successor();
      if (now !== provider) {
        provider = now;
        logger = now?.getLogger(...args) ?? ours;
      }
      return provider === undefined && this.#retired ? NO_LOGGER : logger;
    };
    return {
      emit: (record) => current().emit(record),
      enabled: (options) => {
        const logger = current();
        return logger.enabled?.(options) ?? true;
      },
    };
  }

  #stand(api: LogsApi | undefined): void {
    const proxy = api?.getLoggerProvider();
    if (proxy?._setDelegate === undefined) return;
    proxy._setDelegate(this);
    this.#proxies.push(proxy);
  }

  /** What another SDK has registered, which may be nothing but logs. */
  #successor(): LoggerProvider | undefined {
    const provider = globals[API_LOGS_KEY]?.(API_LOGS_VERSION);
    if (provider !== undefined || !this.#retired) return provider;
    return registeredIn((loadApi() as { logs?: LogsApi }).logs);
  }
}

/** A provider, and not the stand-in for none. */
function registeredIn(api: LogsApi | undefined): LoggerProvider | undefined {
  const provider = api?.getLoggerProvider();
  return provider === undefined || '_setDelegate' in provider ? undefined : provider;
}

function apiLogsOf(sdkFile: string): LogsApi | undefined {
  try {
    return (createRequire(sdkFile)('@opentelemetry/api-logs') as { logs?: LogsApi }).logs;
  } catch {
    return undefined;
  }
}
