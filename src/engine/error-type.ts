import { TimeoutError } from '../errors.ts';
import type { Outcome } from '../strategies/shared/contract.ts';

/** `error.type` of an outcome (semantic conventions: low cardinality): a reason, a status, an errno or an error's name. */
export function errorType(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'rejection':
      return outcome.rejection.reason === 'total_timeout' ? 'timeout' : outcome.rejection.reason;
    case 'response':
      return String(outcome.head.status);
    case 'unhealthy':
      return 'unhealthy';
    case 'error':
      return typeOfError(outcome.error);
  }
}

/** fetch and the OpenTelemetry instrumentations wrap; the code that tells is up to a few causes down. */
export function typeOfError(error: unknown): string {
  if (error instanceof TimeoutError) return 'timeout';
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    const { code, cause } = current as { code?: unknown; cause?: unknown };
    if (typeof code === 'string' && code !== '') return code;
    current = cause;
  }
  return error instanceof Error ? error.name : '_OTHER';
}
