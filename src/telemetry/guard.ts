import { tell } from './diagnostics.ts';

const MAX_REPORTED = 50;
const reported = new Set<string>();

/**
 * Says that telemetry failed, once for each `place`: an exporter that throws at every call must not flood the log of its
 * own failure. Never throws, whatever the thrown value is.
 */
export function reportFailure(place: string, error: unknown): void {
  if (reported.has(place) || reported.size >= MAX_REPORTED) return;
  reported.add(place);
  tell(`${place} failed; the call is not affected (${textOf(error)})`, 'error');
}

function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'an error that cannot be shown';
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
