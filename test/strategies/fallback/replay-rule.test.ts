import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { mayGoElsewhere } from '../../../src/strategies/fallback/replay-rule.ts';
import type { CallProgress, Outcome } from '../../../src/strategies/shared/contract.ts';
import { request } from './fallback-harness.ts';

function rejection(reason: 'circuit_open' | 'total_timeout'): Outcome {
  return { kind: 'rejection', rejection: { kind: 'rejection', reason, toError: () => new Error(reason) as never } };
}

function progress(remainingMs: number): CallProgress {
  return {
    call: request(),
    sent: false,
    replayable: () => true,
    remainingMs: () => remainingMs,
  } as unknown as CallProgress;
}

describe('a call that may go to another endpoint', () => {
  it('has time left, and was not ended for want of it', () => {
    assert.equal(mayGoElsewhere(progress(1), rejection('circuit_open'), 0), true);
    assert.equal(mayGoElsewhere(progress(Number.POSITIVE_INFINITY), { kind: 'unhealthy' }, 0), true);
    assert.equal(mayGoElsewhere(progress(0), rejection('circuit_open'), 0), false);
    // A timer may be a little early.
    assert.equal(mayGoElsewhere(progress(0.5), rejection('total_timeout'), 0), false);
  });
});
