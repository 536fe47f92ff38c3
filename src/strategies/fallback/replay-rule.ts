import type { CallProgress, Outcome } from '../shared/contract.ts';

/** Methods that may be repeated without asking: what they do once they do any number of times, and it is cheap. */
const REPEATABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether the request may go to another endpoint, by the rule that retries keep too: its method is safe, the app gave
 * it an `Idempotency-Key`, or nothing of it has ever left this process. And its body must be there to be sent.
 */
export function mayGoElsewhere(progress: CallProgress, outcome: Outcome, nowMs: number): boolean {
  if (outcome.kind === 'rejection' && outcome.rejection.reason === 'total_timeout') return false;
  if (progress.remainingMs(nowMs) <= 0) return false;
  return isRepeatable(progress) && progress.replayable();
}

function isRepeatable({ call, sent }: CallProgress): boolean {
  return !sent || REPEATABLE_METHODS.has(call.method) || (call.header('idempotency-key') ?? '') !== '';
}
