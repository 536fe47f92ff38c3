import type { Outcome } from '../shared/contract.ts';
import { isTimeout } from '../verdict/network-errors.ts';

export type RetryReason = 'status_code' | 'connection_error' | 'timeout';

export function reasonOf(outcome: Outcome & { kind: 'response' | 'error' }): RetryReason {
  if (outcome.kind === 'response') return 'status_code';
  return isTimeout(outcome.error) ? 'timeout' : 'connection_error';
}
