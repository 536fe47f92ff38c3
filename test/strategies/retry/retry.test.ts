import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { TimeoutError } from '../../../src/errors.ts';
import type { CircuitState } from '../../../src/strategies/circuit-breaker/transition.ts';
import { backoffMs } from '../../../src/strategies/retry/backoff.ts';
import { RetryBudget } from '../../../src/strategies/retry/budget.ts';
import { RETRY_DEFAULTS, type RetryOptions } from '../../../src/strategies/retry/options.ts';
import { RetryRecovery } from '../../../src/strategies/retry/retry.ts';
import type { CallProgress, Endpoint, Outcome, Verdict } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { head } from '../../support/fake-exchange.ts';

const WALL_CLOCK = Date.UTC(2024, 1, 29);
const BACKUP = { protocol: 'http:', host: 'backup.test', port: 80, basePath: '', forwardCredentials: false } as const;

interface Situation {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retries?: number;
  readonly replayable?: boolean;
  readonly remainingMs?: number;
  readonly circuit?: CircuitState;
  readonly target?: Endpoint['target'];
}

function progressOf(situation: Situation): CallProgress {
  const { circuit, retries = 0 } = situation;
  const breaker = circuit === undefined ? undefined : { state: () => circuit, acquire: () => assert.fail('entered') };
  return {
    call: callInfo(situation.method, situation.headers),
    upstream: 'users',
    mode: 'enforce',
    patternGroups: () => ({}),
    attempts: retries + 1,
    sent: true,
    retries,
    endpoint: { name: 'users', target: situation.target, breaker },
    remainingMs: () => situation.remainingMs ?? Number.POSITIVE_INFINITY,
    replayable: () => situation.replayable ?? true,
    fallbackStep: 0,
  };
}

function retryOf(options: Partial<RetryOptions> = {}) {
  const budget = new RetryBudget(RETRY_DEFAULTS.budget);
  const deps = { budget, random: () => 0.5, wallClockMs: () => WALL_CLOCK };
  const retry = new RetryRecovery({ ...RETRY_DEFAULTS, ...options }, deps);
  const recover = (outcome: Outcome, situation: Situation = {}) => retry.recover(progressOf(situation), outcome, 0);
  return { retry, budget, recover };
}

function answered(
  status: number,
  retryAfter?: string,
  verdict: Verdict = status >= 500 ? 'failure' : 'success',
): Outcome {
  return {
    kind: 'response',
    verdict,
    head: head(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  };
}

function failed(code: string, neverSent = false, verdict: Verdict = 'failure'): Outcome {
  return { kind: 'error', verdict, error: Object.assign(new Error(code), { code }), neverSent };
}

describe('the back-off', () => {
  it('is random up to a bound that doubles with each retry, up to its maximum', () => {
    const backoff = { baseMs: 50, maxMs: 250 };
    const bounds = [1, 2, 3, 4, 20].map((retry) => backoffMs(backoff, retry, () => 1));
    assert.deepEqual(bounds, [50, 100, 200, 250, 250]);
    assert.equal(
      backoffMs(backoff, 3, () => 0),
      0,
    );
    assert.equal(
      backoffMs(backoff, 3, () => 0.25),
      50,
    );
  });

  it('is in proportion to chance, and never above its maximum', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const property = fc.property(chance, fc.integer({ min: 1, max: 2_000 }), (random, retry) => {
      const delayMs = backoffMs({ baseMs: 50, maxMs: 250 }, retry, () => random);
      assert.equal(delayMs, random * Math.min(250, 50 * 2 ** (retry - 1)));
      assert.ok(delayMs <= 250);
    });
    fc.assert(property);
  });
});

describe('a retry', () => {
  it('follows a failed response after a back-off, and says why', () => {
    assert.deepEqual(retryOf().recover(answered(503)), { kind: 'retry', afterMs: 25, reason: 'status_code' });
  });

  it('follows a failed connection', () => {
    assert.deepEqual(retryOf().recover(failed('ECONNRESET')), {
      kind: 'retry',
      afterMs: 25,
      reason: 'connection_error',
    });
  });

  it('follows a timeout, ours or the client’s', () => {
    const ours: Outcome = {
      kind: 'error',
      verdict: 'failure',
      error: new TimeoutError('users', 'attempt', 10),
      neverSent: false,
    };
    const wrapped: Outcome = {
      kind: 'error',
      verdict: 'failure',
      error: new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'UND_ERR_HEADERS_TIMEOUT' }) }),
      neverSent: false,
    };
    for (const outcome of [ours, wrapped, failed('ETIMEDOUT'), failed('UND_ERR_CONNECT_TIMEOUT', true)]) {
      assert.deepEqual(retryOf().recover(outcome), { kind: 'retry', afterMs: 25, reason: 'timeout' });
    }
  });

  it('follows the statuses it was told of, whatever their verdict', () => {
    const { recover } = retryOf({
      statuses: [
        { from: 408, to: 408 },
        { from: 425, to: 429 },
      ],
    });
    assert.equal(recover(answered(408))?.kind, 'retry');
    assert.equal(recover(answered(429, undefined, 'ignored'))?.kind, 'retry');
    for (const status of [200, 404, 407, 409, 424, 430]) assert.equal(recover(answered(status)), undefined);
  });

  it('follows neither a success, nor what says nothing of the upstream, nor our own refusals', () => {
    const { recover, budget } = retryOf();
    const rejection = { kind: 'rejection', reason: 'circuit_open', toError: () => assert.fail('made') } as const;
    assert.equal(recover(answered(200)), undefined);
    assert.equal(recover(answered(429, undefined, 'ignored')), undefined);
    assert.equal(recover(failed('ABORT_ERR', false, 'ignored')), undefined);
    assert.equal(recover({ kind: 'rejection', rejection }), undefined);
    assert.equal(recover({ kind: 'unhealthy' }), undefined);
    assert.equal(budget.remaining(0), 10);
  });

  it('comes as often as it may, and each time after a longer back-off', () => {
    const { recover } = retryOf({ maxRetries: 3 });
    const delays = [0, 1, 2, 3].map((retries) => {
      const remedy = recover(answered(503), { retries });
      return remedy?.kind === 'retry' ? remedy.afterMs : undefined;
    });
    assert.deepEqual(delays, [25, 50, 100, undefined]);
  });

  it('is not made of a body that cannot be sent again, not even if nothing was sent', () => {
    const { recover, budget } = retryOf();
    assert.equal(recover(answered(503), { replayable: false }), undefined);
    assert.equal(recover(failed('ECONNREFUSED', true), { replayable: false }), undefined);
    assert.equal(budget.remaining(0), 10);
  });

  it('is not made of an attempt at a fallback endpoint', () => {
    assert.equal(retryOf().recover(answered(503), { target: BACKUP }), undefined);
  });

  it('is not made while the circuit is open, and costs nothing then', () => {
    const { recover, budget } = retryOf();
    assert.equal(recover(answered(503), { circuit: 'open' }), undefined);
    assert.equal(recover(answered(503), { circuit: 'forced_open' }), undefined);
    assert.equal(budget.remaining(0), 10);
    for (const circuit of ['closed', 'half_open', 'forced_closed'] as const) {
      assert.equal(recover(answered(503), { circuit })?.kind, 'retry');
    }
  });

  it('is made under new options from the next outcome on', () => {
    const { retry, recover } = retryOf();
    retry.reconfigure({ ...RETRY_DEFAULTS, maxRetries: 0 });
    assert.equal(recover(answered(503)), undefined);
  });
});

describe('a request that may not arrive twice', () => {
  for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) {
    it(`is not sent again: ${method}`, () => {
      const { recover, budget } = retryOf();
      assert.equal(recover(answered(503), { method }), undefined);
      assert.equal(recover(failed('ECONNRESET'), { method }), undefined);
      assert.equal(recover(failed('ETIMEDOUT'), { method, headers: { 'idempotency-key': '' } }), undefined);
      assert.equal(budget.remaining(0), 10);
    });

    it(`is sent again if it provably never left: ${method}`, () => {
      assert.equal(retryOf().recover(failed('ECONNREFUSED', true), { method })?.kind, 'retry');
    });

    it(`is sent again if the server can tell by its Idempotency-Key: ${method}`, () => {
      const headers = { 'idempotency-key': '"8e03978e"' };
      assert.equal(retryOf().recover(answered(503), { method, headers })?.kind, 'retry');
    });

    it(`is sent again if the policy names its method: ${method}`, () => {
      assert.equal(retryOf({ methods: ['GET', method] }).recover(answered(503), { method })?.kind, 'retry');
    });
  }

  it('is one for a connection of its own, though it never left', () => {
    const refused = failed('ECONNREFUSED', true);
    assert.equal(retryOf().recover(refused, { method: 'CONNECT' }), undefined);
    assert.equal(retryOf().recover(refused, { headers: { upgrade: 'websocket' } }), undefined);
  });
});

describe('a retry and Retry-After', () => {
  const delay = (retryAfter: string, options: Partial<RetryOptions> = {}, remainingMs?: number) => {
    const situation = remainingMs === undefined ? {} : { remainingMs };
    const remedy = retryOf(options).recover(answered(503, retryAfter), situation);
    return remedy?.kind === 'retry' ? remedy.afterMs : undefined;
  };

  it('waits for as long as the upstream asks, and then some at random', () => {
    assert.equal(delay('2'), 2_025);
    assert.equal(delay(new Date(WALL_CLOCK + 3_000).toUTCString()), 3_025);
  });

  it('waits for its back-off when the upstream asks for nothing that makes sense', () => {
    for (const value of ['0', '-1', 'soon', new Date(WALL_CLOCK - 1_000).toUTCString()]) assert.equal(delay(value), 25);
  });

  it('heeds it with a status it was told of, too', () => {
    const { recover } = retryOf({ statuses: [{ from: 429, to: 429 }] });
    assert.deepEqual(recover(answered(429, '1', 'ignored')), { kind: 'retry', afterMs: 1_025, reason: 'status_code' });
  });

  it('does not onResponse it when the policy says so', () => {
    assert.equal(delay('2', { respectRetryAfter: false }), 25);
  });

  it('hands the response over now when the total time does not reach that far', () => {
    assert.equal(delay('2', {}, 2_026), 2_025);
    assert.equal(delay('2', {}, 2_025), undefined);
    assert.equal(delay('2', {}, 500), undefined);
  });

  it('hands the response over now when the back-off alone is too long', () => {
    assert.equal(delay('0', {}, 25), undefined);
    assert.equal(delay('0', {}, 26), 25);
  });

  it('hands the response over now when it asks for more than half a minute and nothing else bounds the call', () => {
    assert.equal(delay('30'), 30_025);
    assert.equal(delay('31'), undefined);
    assert.equal(delay('31', {}, 60_000), 31_025);
    assert.equal(delay('9'.repeat(400)), undefined);
  });

  it('may back off for longer than that if the policy says so', () => {
    assert.equal(delay('0', { backoff: { baseMs: 120_000, maxMs: 120_000 } }), 60_000);
  });

  it('spends nothing on a retry that is not made', () => {
    const { recover, budget } = retryOf();
    recover(answered(503, '31'));
    recover(answered(503, '2'), { remainingMs: 100 });
    assert.equal(budget.remaining(0), 10);
  });
});

describe('the budget of retries', () => {
  it('is fed by every call and ends the retries when it is empty', () => {
    const { recover, budget } = retryOf();
    for (let i = 0; i < 50; i++) budget.deposit(0);
    assert.equal(budget.remaining(0), 20);
    const made = Array.from({ length: 50 }, () => recover(answered(503))).filter((remedy) => remedy !== undefined);
    assert.equal(made.length, 20);
    assert.equal(budget.remaining(0), 0);
  });

  it('is shared: what somebody else spends, retries cannot', () => {
    const { recover, budget } = retryOf();
    while (budget.tryWithdraw(0));
    assert.equal(recover(answered(503)), undefined);
  });
});
