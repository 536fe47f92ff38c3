import { diag } from '@opentelemetry/api';
import { PACKAGE_NAME } from '../version.ts';

const MAX_REPORTED = 50;
const reported = new Set<string>();

/**
 * Says through OTel's `diag` that telemetry failed, once for each `place`: an exporter that throws at every call must
 * not flood the log of its own failure. Never throws, whatever the thrown value and the installed logger do.
 */
export function reportFailure(place: string, error: unknown): void {
  if (reported.has(place) || reported.size >= MAX_REPORTED) return;
  reported.add(place);
  try {
    diag.createComponentLogger({ namespace: PACKAGE_NAME }).error(`${place} failed; the call is not affected`, error);
  } catch {
    // The logger itself is broken: there is nobody left to tell.
  }
}

/** Runs what calls into an SDK, a span processor or a user's hook, none of which may reach the app. */
export function guarded(place: string, task: () => void): void {
  try {
    task();
  } catch (error) {
    reportFailure(place, error);
  }
}

/** For tests: lets every place be reported again. */
export function forgetReportedFailures(): void {
  reported.clear();
}
