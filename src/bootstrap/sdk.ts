import { apiRegistry, loadApi } from '../telemetry/api-registry.ts';
import { diagnose } from '../telemetry/diagnostics.ts';
import { PACKAGE_NAME } from '../version.ts';
import { flushOnExit } from './flush-on-exit.ts';
import { ProvisionalSdk } from './provisional-sdk.ts';
import { reportUnless } from './report-unless.ts';
import { startSdk } from './start-sdk.ts';

/**
 * Joins the SDK that the app runs, or starts one. To be called at the entry point or later, never while
 * preloading: a copy of @opentelemetry/instrumentation that is loaded before the builtins are taken keeps OpenTelemetry
 * from patching http for good.
 */

export type SdkMode = 'auto' | 'on' | 'off';

export interface SdkOptions {
  readonly mode: SdkMode;
  readonly env: NodeJS.ProcessEnv;
  /** Told in one line, once, why no SDK was started though one was asked for; never if the app brings one in time. */
  readonly report?: (message: string) => void;
  /** Runs a task when the app makes a call. Until then nobody misses an SDK. At once unless given. */
  readonly whenUsed?: (task: () => void) => void;
  /** Our SDK has given way to one that was registered since. */
  readonly onRetired?: () => void;
}

export type SdkOutcome =
  /** An SDK is there already. */
  | { readonly kind: 'joined' }
  /** We started one: it is flushed on exit, and gives way to one that is registered later. */
  | { readonly kind: 'started'; readonly sdk: ProvisionalSdk }
  /** No SDK now. One that the app starts later is joined all the same. */
  | { readonly kind: 'none'; readonly reason: 'off' | 'disabled' | 'no_intent' | 'missing' | 'failed' };

export function joinOrStartSdk(options: SdkOptions): SdkOutcome {
  const { mode, env } = options;
  if (isDisabled(env)) return { kind: 'none', reason: 'disabled' };
  if (isSdkRegistered()) return { kind: 'joined' };
  if (mode === 'off') return { kind: 'none', reason: 'off' };
  if (mode === 'auto' && !showsIntent(env)) return { kind: 'none', reason: 'no_intent' };
  return start(options);
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

function start({ env, report: say = diagnose, whenUsed, onRetired = () => {} }: SdkOptions): SdkOutcome {
  let ours: ProvisionalSdk | undefined;
  const appHasOne = (): boolean => (ours === undefined ? isSdkRegistered() : ours.retired);
  const report = (message: string): void => reportUnless(appHasOne, () => say(message), whenUsed);
  try {
    const started = startSdk(env, () => ours?.retired === true, report);
    if (started === undefined) return { kind: 'none', reason: 'missing' };
    if (!isSdkRegistered()) {
      report('the OpenTelemetry SDK did not start; policies work without telemetry');
      return { kind: 'none', reason: 'failed' };
    }
    const sdk = new ProvisionalSdk(started.file, () => started.sdk.shutdown(), onRetired);
    ours = sdk;
    flushOnExit(() => sdk.shutdown());
    return { kind: 'started', sdk };
  } catch (error) {
    report(`the OpenTelemetry SDK did not start (${error}); policies work without telemetry`);
    return { kind: 'none', reason: 'failed' };
  }
}
