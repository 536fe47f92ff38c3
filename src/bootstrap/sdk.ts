import { createRequire } from 'node:module';
import path from 'node:path';
import { apiRegistry, loadApi } from '../telemetry/api-registry.ts';
import { diagnose } from '../telemetry/diagnostics.ts';
import { PACKAGE_NAME } from '../version.ts';
import { flushOnExit } from './flush-on-exit.ts';

/**
 * Joins the SDK that the app runs, or starts one (DESIGN §11). To be called at the entry point or later, never while
 * preloading: a copy of @opentelemetry/instrumentation that is loaded before the builtins are taken keeps OpenTelemetry
 * from patching http for good.
 */

export type SdkMode = 'auto' | 'on' | 'off';

export interface SdkOptions {
  readonly mode: SdkMode;
  readonly env: NodeJS.ProcessEnv;
  /** Told in one line, once, why no SDK was started though one was asked for. */
  readonly report?: (message: string) => void;
}

export type SdkOutcome =
  /** An SDK is there already. */
  | { readonly kind: 'joined' }
  /** We started one; it is flushed on exit. */
  | { readonly kind: 'started'; shutdown(): Promise<void> }
  /** No SDK now. One that the app starts later is joined all the same. */
  | { readonly kind: 'none'; readonly reason: 'off' | 'disabled' | 'no_intent' | 'missing' | 'failed' };

const SDK = '@opentelemetry/sdk-node';
const INSTRUMENTATIONS = [
  { name: '@opentelemetry/instrumentation-http', className: 'HttpInstrumentation' },
  { name: '@opentelemetry/instrumentation-undici', className: 'UndiciInstrumentation' },
] as const;

/**
 * An export that fails is retried by timers that hold the process, for as long as this. The SDK's own default, 10 s,
 * would be the time by which a dead collector delays the exit of every app; whoever sets the variables has the say.
 */
const EXPORT_TIMEOUT_MS = 2_000;
/** Of the interval between two exports of metrics. Were there no pause between them, the process would never end. */
const EXPORTING_SHARE = 0.8;

function exportTimeouts(env: NodeJS.ProcessEnv): Record<string, string> {
  const timeouts: Record<string, string> = {};
  if (env.OTEL_EXPORTER_OTLP_TIMEOUT === undefined) {
    timeouts.OTEL_EXPORTER_OTLP_TIMEOUT = String(EXPORT_TIMEOUT_MS);
    const interval = Number(env.OTEL_METRIC_EXPORT_INTERVAL) * EXPORTING_SHARE;
    if (interval >= 1 && interval < EXPORT_TIMEOUT_MS) {
      timeouts.OTEL_EXPORTER_OTLP_METRICS_TIMEOUT = String(Math.floor(interval));
    }
  }
  return timeouts;
}

export function joinOrStartSdk(options: SdkOptions): SdkOutcome {
  const { mode, env, report = diagnose } = options;
  if (isDisabled(env)) return { kind: 'none', reason: 'disabled' };
  if (isSdkRegistered()) return { kind: 'joined' };
  if (mode === 'off') return { kind: 'none', reason: 'off' };
  if (mode === 'auto' && !showsIntent(env)) return { kind: 'none', reason: 'no_intent' };
  return start(env, report);
}

/**
 * Whether somebody set OpenTelemetry up, by the public API: a tracer or meter provider, or a context manager, which
 * an SDK registers even if all its exporters are off.
 */
export function isSdkRegistered(): boolean {
  if (apiRegistry() === undefined) return false;
  const { context, createContextKey, createNoopMeter, metrics, ROOT_CONTEXT, trace } = loadApi();
  const tracers = trace.getTracerProvider() as { getDelegateTracer?: (name: string) => unknown };
  if (tracers.getDelegateTracer === undefined || tracers.getDelegateTracer(PACKAGE_NAME) !== undefined) return true;
  if (metrics.getMeter(PACKAGE_NAME) !== createNoopMeter()) return true;
  const probe = createContextKey('opentelemetry-instrumentation-resilience probe');
  return context.with(ROOT_CONTEXT.setValue(probe, true), () => context.active().getValue(probe) === true);
}

function isDisabled(env: NodeJS.ProcessEnv): boolean {
  return env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true';
}

/** Whether the environment says that telemetry is wanted. `none` as an exporter says the opposite. */
export function showsIntent(env: NodeJS.ProcessEnv): boolean {
  return Object.entries(env).some(([name, value = '']) => {
    if (value.trim() === '') return false;
    if (name === 'OTEL_CONFIG_FILE' || name === 'OTEL_SERVICE_NAME') return true;
    if (name.startsWith('OTEL_EXPORTER_OTLP_')) return true;
    return /^OTEL_(TRACES|METRICS|LOGS)_EXPORTER$/.test(name) && value.trim() !== 'none';
  });
}

interface Shutdownable {
  shutdown(): Promise<void>;
}

interface SdkModule {
  readonly NodeSDK?: new (options: object) => Shutdownable & { start(): void };
  /** Reads `OTEL_CONFIG_FILE`. */
  readonly startNodeSdk?: (options: object) => Shutdownable;
  /** As it was called before 0.300. */
  readonly startNodeSDK?: (options: object) => Shutdownable;
}

interface Instrumentation {
  setMeterProvider(provider: unknown): void;
}

function start(env: NodeJS.ProcessEnv, report: (message: string) => void): SdkOutcome {
  const load = loader();
  const module = load(SDK) as SdkModule | undefined;
  const missing = [SDK, ...INSTRUMENTATIONS.map(({ name }) => name)].filter((name) => load(name) === undefined);
  if (missing.length > 0) report(missingMessage(missing));
  if (module === undefined) return { kind: 'none', reason: 'missing' };
  try {
    const instrumentations = INSTRUMENTATIONS.flatMap(({ name, className }) => {
      const Class = (load(name) as Record<string, new () => Instrumentation> | undefined)?.[className];
      return Class === undefined ? [] : [new Class()];
    });
    const sdk = startModule(module, instrumentations, env);
    if (sdk === undefined || !isSdkRegistered()) {
      report('the OpenTelemetry SDK did not start; policies work without telemetry');
      return { kind: 'none', reason: 'failed' };
    }
    const shutdown = () => sdk.shutdown();
    flushOnExit(shutdown);
    return { kind: 'started', shutdown };
  } catch (error) {
    report(`the OpenTelemetry SDK did not start (${error}); policies work without telemetry`);
    return { kind: 'none', reason: 'failed' };
  }
}

function startModule(
  module: SdkModule,
  instrumentations: readonly Instrumentation[],
  env: NodeJS.ProcessEnv,
): Shutdownable | undefined {
  const startFromFile = module.startNodeSdk ?? module.startNodeSDK;
  if (env.OTEL_CONFIG_FILE && startFromFile !== undefined) {
    const sdk = startFromFile({ instrumentations });
    // Left out on this path up to 0.301: without it the instrumentations' own metrics stay off.
    const provider = loadApi().metrics.getMeterProvider();
    for (const instrumentation of instrumentations) instrumentation.setMeterProvider(provider);
    return sdk;
  }
  if (module.NodeSDK === undefined) return undefined;
  const NodeSDK = module.NodeSDK;
  return withDefaults(exportTimeouts(env), () => {
    const sdk = new NodeSDK({ instrumentations });
    sdk.start();
    return sdk;
  });
}

/** Exporters read the environment when they are made; it is put back at once, so that children don't inherit ours. */
function withDefaults<T>(defaults: Record<string, string>, task: () => T): T {
  const set = Object.keys(defaults).filter((name) => process.env[name] === undefined);
  for (const name of set) process.env[name] = defaults[name];
  try {
    return task();
  } finally {
    for (const name of set) delete process.env[name];
  }
}

/** Loads a package as the app would, else as this package would. Undefined: not installed, or not loadable. */
function loader(): (name: string) => unknown {
  const main = process.argv[1];
  const requires = [main, path.join(process.cwd(), 'index.js'), __filename]
    .filter((from) => from !== undefined)
    .map((from) => createRequire(path.resolve(from)));
  const loaded = new Map<string, unknown>();
  return (name) => {
    if (!loaded.has(name)) loaded.set(name, loadFirst(requires, name));
    return loaded.get(name);
  };
}

function loadFirst(requires: readonly NodeJS.Require[], name: string): unknown {
  for (const from of requires) {
    try {
      return from(name);
    } catch {
      // Not there, or of no use there: the next place may have it.
    }
  }
  return undefined;
}

function missingMessage(missing: readonly string[]): string {
  return missing.includes(SDK)
    ? `no OpenTelemetry SDK to start: npm install ${missing.join(' ')}`
    : `attempts will have no CLIENT spans of their own: npm install ${missing.join(' ')}`;
}
