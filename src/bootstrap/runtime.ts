import { systemClock } from '../common/clock.ts';
import { OperatorNotice } from '../common/operator-notice.ts';
import type { ResilienceConfig } from '../config/config-types.ts';
import { describeProblems } from '../config/describe-problems.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { variable } from '../config/settings.ts';
import { Engine } from '../engine/engine.ts';
import type { ExtraHeaders } from '../interception/extra-headers.ts';
import { patchHttp } from '../interception/http/patch-http.ts';
import { onRequire } from '../interception/module-hook.ts';
import { UndoStack } from '../interception/patch.ts';
import { instrumentUndici, patchUndici } from '../interception/undici/patch-undici.ts';
import { watchRequests } from '../interception/undici/sent-headers.ts';
import { createResilience, type Resilience } from '../resilience.ts';
import type { StatusPage } from '../status/serve.ts';
import { DeferredListener } from '../telemetry/deferred-listener.ts';
import { diagnose, diagnoseFault } from '../telemetry/diagnostics.ts';
import type { RequestIdHeader, RequestIdSettings } from '../telemetry/request-id-header.ts';
import { bypass } from '../telemetry/suppression.ts';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.ts';
import { ExportFilter } from './export-filter.ts';

/**
 * What there is one of in a thread, shared by the preload, the instrumentation class and every copy of this package: two
 * would patch the clients twice and keep two sets of circuits. Copies of other versions may meet it, so its shape is kept.
 */
export interface Runtime {
  readonly version: string;
  readonly resilience: Resilience;
  readonly config: LoadedConfig | undefined;
  readonly enabled: boolean;
  readonly telemetry: DeferredListener | undefined;
  /** Patches the clients and starts deciding. `code`: options that win over file and environment. */
  enable(code?: ResilienceConfig): void;
  /** Says what is wrong with the configuration; once, however often it is called. */
  reportProblems(): void;
  /** Takes every patch back and forgets all state. */
  disable(): void;
  /** Runs `task` when the app makes its first call, before anything else is done about it. */
  beforeFirstCall(task: () => void): void;
  /** Puts ours outside of all wrappers that preloads have brought, and binds to their SDK. */
  finalize(): void;
  /** Covers a copy of undici that a bundler hides from `require`. */
  instrument(undici: object): void;
}

/** The composition root: puts the parts together, and knows nothing of how they work. */
class ThreadRuntime implements Runtime {
  readonly version = PACKAGE_VERSION;
  readonly resilience: Resilience = createResilience(() => this.#engine);
  #requestIds: RequestIdHeader | undefined;
  #config: LoadedConfig | undefined;
  #telemetry: DeferredListener | undefined;
  #engine: Engine | undefined;
  #status: StatusPage | undefined;
  #undos: UndoStack | undefined;
  #finalizeHttp: (() => void) | undefined;
  #beforeFirstCall: (() => void) | undefined;

  get config(): LoadedConfig | undefined {
    return this.#config;
  }

  get enabled(): boolean {
    return this.#engine !== undefined;
  }

  get telemetry(): DeferredListener | undefined {
    return this.#telemetry;
  }

  enable(code: ResilienceConfig = {}): void {
    if (this.#engine !== undefined && Object.keys(code).length === 0) return;
    const config = loadConfig({ env: process.env, code });
    this.#config = config;
    // Later at the latest; the preload asks for it earlier, when other preloads have set up a logger.
    if (config.problems.length > 0) setImmediate(() => this.reportProblems());
    if (!config.enabled) this.disable();
    else if (this.#engine === undefined) this.#start(config);
    else this.#engine.configure(config.rules);
    this.#passOnRequestIds(config);
  }

  reportProblems(): void {
    for (const line of describeProblems(this.#config?.problems ?? [], this.#config?.file)) diagnose(line);
  }

  disable(): void {
    this.#undos?.undo();
    this.#undos = undefined;
    this.#requestIds?.configure({ incoming: undefined, outgoing: undefined });
    this.#finalizeHttp = undefined;
    this.#status?.close();
    this.#status = undefined;
    this.#telemetry?.close();
    this.#telemetry = undefined;
    this.#engine = undefined;
  }

  instrument(undici: object): void {
    instrumentUndici(undici);
  }

  beforeFirstCall(task: () => void): void {
    const earlier = this.#beforeFirstCall;
    this.#beforeFirstCall = () => {
      this.#beforeFirstCall = undefined;
      earlier?.();
      task();
    };
  }

  finalize(): void {
    this.#finalizeHttp?.();
    this.#telemetry?.join();
  }

  /** Loads what it takes, OpenTelemetry's API above all, only where that is asked for. */
  #passOnRequestIds(config: LoadedConfig): void {
    const settings = requestIdSettings(config);
    if (!config.enabled || (settings.incoming === undefined && this.#requestIds === undefined)) return;
    if (this.#requestIds === undefined) {
      const telemetry =
        require('../telemetry/request-id-header.js') as typeof import('../telemetry/request-id-header.ts');
      this.#requestIds = new telemetry.RequestIdHeader();
    }
    this.#requestIds.configure(settings);
  }

  #start(config: LoadedConfig): void {
    const status = this.#serveStatus();
    const telemetry = new DeferredListener({
      eventSignal: config.settings.eventSignal,
      jsonLog: config.settings.log === 'json',
      sayOpened: config.settings.log === 'auto' && status === undefined,
      snapshots: () => engine.snapshots(),
    });
    const engine = new Engine({
      clock: systemClock,
      random: Math.random,
      listener: status?.tap(telemetry) ?? telemetry,
      rules: config.rules,
      report: (error) =>
        error instanceof OperatorNotice ? diagnose(error.message) : diagnoseFault('a fallback', error),
      fault: (error) => diagnoseFault('the engine', error),
    });
    const calls = new ExportFilter(engine);
    const undos = new UndoStack();
    // One client that cannot be patched leaves the others covered.
    const apply = (client: string, patch: () => () => void): void => {
      try {
        undos.add(patch());
      } catch (error) {
        diagnoseFault(`patching ${client}`, error);
      }
    };
    const leftAlone = (): boolean => {
      this.#beforeFirstCall?.();
      return bypass();
    };
    const extraHeaders: ExtraHeaders = () => this.#requestIds?.fields();
    apply('http', () => {
      const report = (error: unknown): void => diagnoseFault('http', error);
      const patch = patchHttp({ engine: calls, bypass: leftAlone, extraHeaders, report });
      this.#finalizeHttp = patch.finalize;
      return patch.undo;
    });
    apply('undici', () => {
      const report = (error: unknown): void => diagnoseFault('undici', error);
      return patchUndici({ engine: calls, bypass: leftAlone, extraHeaders, report, onRequire });
    });
    // So that a span opened late can join the trace that an attempt's CLIENT span has begun.
    apply('undici', watchRequests);
    this.#telemetry = telemetry;
    this.#status = status;
    this.#engine = engine;
    this.#undos = undos;
  }

  /** Loads what serves the status page only if one is asked for. */
  #serveStatus(): StatusPage | undefined {
    const { env } = process;
    const address = variable(env, 'OTEL_RESILIENCE_STATUS');
    if (address === undefined) return undefined;
    try {
      const { serveStatus } = require('../status/serve.js') as typeof import('../status/serve.ts');
      const token = variable(env, 'OTEL_RESILIENCE_STATUS_TOKEN');
      return serveStatus({ address, token, resilience: this.resilience, report: diagnose });
    } catch (error) {
      diagnose(`no status page (${error})`);
      return undefined;
    }
  }
}

/** The header that is looked at where a log is written and none is named. */
const USUAL_REQUEST_ID_HEADER = 'x-request-id';

/** Off unless asked for: it keeps an AsyncLocalStorage running. */
function requestIdSettings({ settings, rules }: LoadedConfig): RequestIdSettings {
  const named = settings.requestIdHeader;
  return {
    incoming: named ?? (settings.log === 'json' ? USUAL_REQUEST_ID_HEADER : undefined),
    // Who only observes changes no request.
    outgoing: rules.mode === 'enforce' ? named : undefined,
  };
}

const SHARED = Symbol.for(PACKAGE_NAME);

/** Leaves no trace of a runtime that is not to do anything. */
export function forgetRuntime(): void {
  Reflect.deleteProperty(globalThis, SHARED);
}

/** This thread's runtime, made at the first call; another copy of this package may have made it. */
export function sharedRuntime(): Runtime {
  const existing = Reflect.get(globalThis, SHARED) as Runtime | undefined;
  if (existing === undefined) {
    const runtime = new ThreadRuntime();
    Object.defineProperty(globalThis, SHARED, { value: runtime, configurable: true });
    return runtime;
  }
  if (existing.version !== PACKAGE_VERSION) {
    diagnose(`version ${existing.version} is loaded already and stays in charge; version ${PACKAGE_VERSION} joins it`);
  }
  return existing;
}
