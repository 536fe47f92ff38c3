import { diagnose, diagnoseFault } from '../telemetry/diagnostics.ts';
import { onEntryPoint } from './entry-point.ts';
import { isLastImport, isRequiredPreload } from './preload-order.ts';
import { forgetRuntime, sharedRuntime } from './runtime.ts';
import { joinOrStartSdk } from './sdk.ts';
import { announceStart } from './start-notice.ts';

/**
 * What the zero-code entry does. Patches at once, so that nothing escapes; joins or starts the SDK when all preloads are
 * done and the app's own code has not begun. `entry` is the module that the flag names. Never throws.
 */
export function register(entry: NodeJS.Module): void {
  try {
    start(entry);
  } catch (error) {
    diagnoseFault('register', error);
  }
}

function start(entry: NodeJS.Module): void {
  const runtime = sharedRuntime();
  if (runtime.config !== undefined) return; // given twice, or enabled in code before
  runtime.enable();
  if (!runtime.enabled) {
    runtime.reportProblems();
    return forgetRuntime();
  }
  let settled = false;
  const settle = (whenUsed: (task: () => void) => void): void => {
    if (settled) return;
    settled = true;
    guardedSettle(whenUsed);
  };
  const beforeFirstCall = (task: () => void): void => runtime.beforeFirstCall(task);
  onEntryPoint(() => settle(beforeFirstCall));
  if (isRequiredPreload(entry) && process.argv[1] !== undefined) return;
  // From here on the entry point may have passed, or never come. Once there is nothing left to come before the app,
  // now is the time; else the first call is the last moment at which it can still be seen by an SDK.
  const { execArgv, env } = process;
  if (isLastImport(entry.filename, execArgv, env.NODE_OPTIONS ?? '')) settle(beforeFirstCall);
  else beforeFirstCall(() => settle((task) => task()));
}

/** `whenUsed` runs a task when the app makes a call. */
function guardedSettle(whenUsed: (task: () => void) => void): void {
  const runtime = sharedRuntime();
  try {
    // Not before: loading any copy of @opentelemetry/instrumentation earlier would keep it from patching http.
    const outcome = joinOrStartSdk({
      mode: runtime.config?.settings.sdk ?? 'auto',
      env: process.env,
      report: diagnose,
      whenUsed,
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
