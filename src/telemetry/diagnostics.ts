import { PACKAGE_NAME } from '../version.ts';
import { apiRegistry, loadApi } from './api-registry.ts';

/** How many lines this package writes to stderr in all: after that it is silent there. */
const MAX_STDERR_LINES = 20;

const said = new Set<string>();

/**
 * Tells the operator about this package itself: through OpenTelemetry's `diag` when a logger is set, else on stderr, each
 * message once. Never through the app's stdout, and never by throwing.
 */
export function diagnose(message: string): void {
  if (said.has(message) || said.size >= MAX_STDERR_LINES) return;
  said.add(message);
  tell(message, 'warn');
}

/** The same for whoever sees to it himself that it is not said too often. */
export function tell(message: string, severity: 'info' | 'warn' | 'error'): void {
  try {
    if (hasDiagLogger()) loadApi().diag.createComponentLogger({ namespace: PACKAGE_NAME })[severity](message);
    else process.stderr.write(`${PACKAGE_NAME}: ${message}\n`);
  } catch {
    // A logger or a stream that fails must not become the app's problem.
  }
}

/** Says what is no trouble: only to a logger, never on stderr. */
export function inform(message: string): void {
  if (hasDiagLogger()) tell(message, 'info');
}

/** Tells of a fault of our own code; the call it happened on went through plain. */
export function diagnoseFault(where: string, error: unknown): void {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  diagnose(`internal error in ${where}, the call went on without resilience (${detail})`);
}

/** The API tells nobody whether a logger is set; its global registry, shared by all its copies, does. */
function hasDiagLogger(): boolean {
  return apiRegistry()?.diag !== undefined;
}
