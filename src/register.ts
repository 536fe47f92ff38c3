import { diagnose, diagnoseFault } from './diagnostics.ts';
import { onEntryPoint } from './interception/entry-point.ts';
import { sharedRuntime } from './runtime.ts';

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
  if (!runtime.enabled) return runtime.reportProblems();
  onEntryPoint(() => {
    // Not before: loading any copy of @opentelemetry/instrumentation earlier would keep it from patching http.
    const { joinOrStartSdk } = require('./sdk.js') as typeof import('./sdk.ts');
    const mode = runtime.config?.settings.sdk ?? 'auto';
    joinOrStartSdk({ mode, env: process.env, report: diagnose });
    runtime.telemetry?.join();
    runtime.reportProblems();
  });
}
