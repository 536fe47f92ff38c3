import type { Outcome } from '../shared/contract.ts';
import { codeOf, isErrorLike } from '../verdict/network-errors.ts';

export type RetryReason = 'status_code' | 'connection_error' | 'timeout';

/** ETIMEDOUT of the system, UND_ERR_HEADERS_TIMEOUT and its like of clients, ERR_RESILIENCE_TIMEOUT of ours. */
const TIMEOUT_CODE = /_TIMEOUT$|^ETIMEDOUT$|^ETIMEOUT$/;
const MAX_DEPTH = 5;

export function reasonOf(outcome: Outcome & { kind: 'response' | 'error' }): RetryReason {
  if (outcome.kind === 'response') return 'status_code';
  return isTimeout(outcome.error) ? 'timeout' : 'connection_error';
}

/** fetch wraps: the outermost error with a code tells. */
function isTimeout(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < MAX_DEPTH && isErrorLike(current); depth++) {
    const code = codeOf(current);
    if (code !== undefined) return TIMEOUT_CODE.test(code);
    current = current.cause;
  }
  return false;
}
