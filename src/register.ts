import { onEntryPoint } from './bootstrap/entry-point.ts';
import { isLastImport, isRequiredPreload } from './bootstrap/preload-order.ts';
import { forgetRuntime, sharedRuntime } from './bootstrap/runtime.ts';
import { announceStart } from './bootstrap/start-notice.ts';
import { diagnose, diagnoseFault } from './telemetry/diagnostics.ts';

/**
 * The zero-code entry: `node --require opentelemetry-instrumentation-resilience/register app.js` (or `--import`, or
 * either in `NODE_OPTIONS`). Patches at once, so that nothing escapes; joins or starts the SDK when all preloads are
 * done and the app's own code has not begun.
 */
try {
  register();
} catch (error) {
  diagnoseFault('register', error);
}

function register(): void {
  const runtime = sharedRuntime();
  if (runtime.config !== undefined) return; // given twice, or enabled in code before
  runtime.enable();
  if (!runtime.enabled) {
    runtime.reportProblems();
    return forgetRuntime();
  }
  let settled = false;
  const settle = (): void => {
    if (settled) return;
    settled = true;
    guardedSettle();
  };
  onEntryPoint(settle);
  if (isRequiredPreload(module) && process.argv[1] !== undefined) return;
  // From here on the entry point may have passed, or never come. Once there is nothing left to come before the app,
  // now is the time; else the first call is the last moment at which it can still be seen by an SDK.
  const { execArgv, env } = process;
  if (isLastImport(__filename, execArgv, env.NODE_OPTIONS ?? '')) settle();
  else runtime.beforeFirstCall(settle);
}

function guardedSettle(): void {
  const runtime = sharedRuntime();
  try {
    // Not before: loading any copy of @opentelemetry/instrumentation earlier would keep it from patching http.
    const { joinOrStartSdk } = require('./bootstrap/sdk.js') as typeof import('./bootstrap/sdk.ts');
    const outcome = joinOrStartSdk({
      mode: runtime.config?.settings.sdk ?? 'auto',
      env: process.env,
      report: diagnose,
      onRetired: () => runtime.telemetry?.moveToGlobal(),
    });
    if (outcome.kind === 'started') runtime.telemetry?.useLoggerProvider(outcome.sdk.loggerProvider);
    runtime.finalize();
    if (runtime.config !== undefined) announceStart(runtime.config, outcome, process.env);
    runtime.reportProblems();
  } catch (error) {
    diagnoseFault('start', error);
  }
}
