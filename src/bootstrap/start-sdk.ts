import { createRequire } from 'node:module';
import path from 'node:path';
import { loadApi } from '../telemetry/api-registry.ts';
import { makeServerSpansRetirable } from './retirable-server-spans.ts';

const SDK = '@opentelemetry/sdk-node';
const INSTRUMENTATIONS = [
  {
    name: '@opentelemetry/instrumentation-http',
    className: 'HttpInstrumentation',
    ignoreHook: 'ignoreOutgoingRequestHook',
  },
  {
    name: '@opentelemetry/instrumentation-undici',
    className: 'UndiciInstrumentation',
    ignoreHook: 'ignoreRequestHook',
  },
] as const;

const HOOKING_PACKAGE =
  /[\\/]node_modules[\\/](?:@opentelemetry[\\/]instrumentation(?:-http|-undici)?|require-in-the-middle)[\\/]/;

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

export interface Shutdownable {
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
type InstrumentationClass = new (config: object) => Instrumentation;

export interface StartedSdk {
  readonly sdk: Shutdownable;
  /** Where it was loaded from. */
  readonly file: string;
}

/**
 * Starts an SDK of the app's own packages with spans for HTTP. Undefined: there is none, which is reported. `retired`: from
 * when on its instrumentations are to do nothing.
 */
export function startSdk(
  env: NodeJS.ProcessEnv,
  retired: () => boolean,
  report: (message: string) => void,
): StartedSdk | undefined {
  const present = new Set(Object.keys(require.cache));
  const load = loader();
  const found = load(SDK);
  const missing = [SDK, ...INSTRUMENTATIONS.map(({ name }) => name)].filter((name) => load(name) === undefined);
  if (missing.length > 0) report(missingMessage(missing));
  if (found === undefined) return undefined;
  const instrumentations = INSTRUMENTATIONS.flatMap(({ name, className, ignoreHook }) => {
    const Class = (load(name)?.exports as Record<string, InstrumentationClass> | undefined)?.[className];
    return Class === undefined ? [] : [new Class({ [ignoreHook]: retired })];
  });
  const sdk = startModule(found.exports as SdkModule, instrumentations, env);
  if (sdk === undefined) throw new Error(`${SDK} has no NodeSDK`);
  makeServerSpansRetirable(retired);
  forgetInstrumentations(present);
  return { sdk, file: found.file };
}

/**
 * What hooks `require` for instrumentations sees each module once, with the instrumentations that there are by then: one
 * that the app makes later with the same copy of it would never get to patch http. So the app gets a copy of its own.
 */
function forgetInstrumentations(present: ReadonlySet<string>): void {
  for (const file of Object.keys(require.cache)) {
    if (!present.has(file) && HOOKING_PACKAGE.test(file)) delete require.cache[file];
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

interface LoadedPackage {
  readonly exports: unknown;
  readonly file: string;
}

/** Loads a package as the app would, else as this package would. Undefined: not installed, or not loadable. */
function loader(): (name: string) => LoadedPackage | undefined {
  const main = process.argv[1];
  const requires = [main, path.join(process.cwd(), 'index.js'), __filename]
    .filter((from) => from !== undefined)
    .map((from) => createRequire(path.resolve(from)));
  const loaded = new Map<string, LoadedPackage | undefined>();
  return (name) => {
    if (!loaded.has(name)) loaded.set(name, loadFirst(requires, name));
    return loaded.get(name);
  };
}

function loadFirst(requires: readonly NodeJS.Require[], name: string): LoadedPackage | undefined {
  for (const from of requires) {
    try {
      return { exports: from(name), file: from.resolve(name) };
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
