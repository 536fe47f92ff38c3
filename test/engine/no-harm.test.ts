import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../src/strategies/circuit-breaker/options.ts';
import type { Endpoint, RecoveryAction, Substitute } from '../../src/strategies/shared/contract.ts';
import { engineHarness, ScriptedQueue, ScriptedRecovery } from '../support/engine-harness.ts';

const RETRY: RecoveryAction = { kind: 'retry', afterMs: 50, reason: 'status' };
const DEGRADED: Substitute = { status: 200, headers: [], body: new Uint8Array() };

function otherEndpoint(released: string[] = []): Endpoint {
  const target = { protocol: 'http:', host: 'backup.test', port: 80, basePath: '', forwardCredentials: false } as const;
  const breaker = {
    acquire: () => ({ kind: 'permit', release: (verdict: string) => void released.push(verdict) }) as const,
    state: () => 'closed' as const,
  };
  return { name: 'backup', target, breaker };
}

describe('a request that cannot be sent again any more', () => {
  it('is not sent after the back-off: the app gets what was held, and no retry counts', () => {
    const { call, clock, engine, pipeline } = engineHarness({ recoveries: [new ScriptedRecovery(RETRY)] });
    const exchange = call();
    exchange.respondWith(503);
    exchange.canReplay = false;
    clock.advance(50);
    exchange.listener?.onBodyEnd();
    assert.deepEqual(exchange.log, ['first', 'hold', 'release']);
    assert.deepEqual([exchange.execution.attempts, exchange.execution.retries], [1, 0]);
    const [snapshot] = engine.snapshots();
    assert.deepEqual(snapshot?.retries, {});
    assert.deepEqual([snapshot?.circuits[0]?.counted, snapshot?.errorRatio], [1, 1]);
    assert.equal(pipeline().active, 0);
  });

  it('is not sent to another endpoint, and gives back the slot of its circuit', () => {
    const released: string[] = [];
    const action: RecoveryAction = { kind: 'endpoint', endpoint: otherEndpoint(released) };
    const { call, pipeline } = engineHarness({ recoveries: [new ScriptedRecovery(action)] });
    const exchange = call();
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    assert.equal(exchange.listener?.onError(exchange.current, reset), 'hold');
    exchange.canReplay = false;
    exchange.listener?.proceed();
    assert.deepEqual(exchange.log, ['first', 'release']);
    assert.deepEqual(released, ['ignored']);
    assert.equal(exchange.execution.errorType, 'ECONNRESET');
    assert.equal(pipeline().active, 0);
  });

  it('is sent all the same where nothing of it has been sent yet', () => {
    const queue = new ScriptedQueue();
    const { call, clock } = engineHarness({ guards: [queue] });
    const exchange = call();
    exchange.canReplay = false;
    queue.admitNext(clock.now());
    assert.deepEqual(exchange.log, ['send 1 http://upstream.test']);
  });
});

describe('a probe of a half-open circuit', () => {
  it('that is given up before it is sent leaves its slot to the next one', () => {
    const circuitBreaker = { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 };
    const { call, clock, engine } = engineHarness({ policy: { circuitBreaker } });
    call().failWith('ECONNRESET');
    clock.advance(300_000);
    const probe = call();
    probe.listener?.onAbort();
    assert.deepEqual(call().log, ['first']);
    assert.equal(engine.snapshots()[0]?.circuits[0]?.state, 'half_open');
  });
});

describe('a call, whatever its adapter, its timers and its caller do in whatever order,', () => {
  const action = fc.constantFrom<'retry' | 'endpoint' | 'answer' | 'later' | 'none'>(
    'retry',
    'endpoint',
    'answer',
    'later',
    'none',
  );
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('head' as const, 'bad' as const, 'error' as const) },
    { weight: 4, arbitrary: fc.constant('wait' as const) },
    { weight: 2, arbitrary: fc.constantFrom('proceed' as const, 'settle' as const, 'admit' as const) },
    { weight: 1, arbitrary: fc.constantFrom('body end' as const, 'body error' as const) },
    { weight: 1, arbitrary: fc.constantFrom('abort' as const, 'outgrown' as const) },
  );

  it('settles once, within its total time, sends nothing it cannot send in full, and gives all back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(action, { maxLength: 5 }),
        fc.array(step, { maxLength: 25 }),
        async (queued, actions, steps) => {
          const released: string[] = [];
          const settles: Array<(answer: RecoveryAction | undefined) => void> = [];
          const queue = new ScriptedQueue();
          const recovery = new ScriptedRecovery(
            ...actions.map((kind) => {
              if (kind === 'retry') return RETRY;
              if (kind === 'endpoint') return { kind, endpoint: otherEndpoint(released) } as const;
              if (kind === 'answer') return { kind: 'response', response: DEGRADED, source: 'degraded' } as const;
              if (kind === 'none') return undefined;
              return new Promise<RecoveryAction | undefined>((resolve) => settles.push(resolve));
            }),
          );
          const { call, clock, pipeline, listener, faults } = engineHarness({
            guards: queued ? [queue] : [],
            recoveries: [recovery],
            policy: { timeout: { attemptMs: 100, totalMs: 400, idleMs: undefined } },
          });
          const exchange = call();
          let aborted = false;
          let holding = false;
          // An adapter that takes its time over `proceed`.
          exchange.report = (outcome) => {
            const { listener } = exchange;
            if (listener === undefined) return;
            const disposition = outcome(listener);
            exchange.log.push(disposition);
            holding = disposition === 'hold';
          };
          const settlements = (): number =>
            exchange.log.filter((entry) => /^(deliver|fail|release|respond)/.test(entry)).length;
          const flying = (): boolean => {
            const sends = exchange.log.filter((entry) => entry === 'first' || entry.startsWith('send')).length;
            return sends > exchange.log.filter((entry) => entry === 'hold' || entry === 'deliver').length;
          };
          const proceed = (): void => {
            if (!holding) return;
            holding = false;
            exchange.listener?.proceed();
          };
          for (const step of steps) {
            if (aborted) break;
            if (step === 'wait') clock.advance(30);
            else if (step === 'proceed') proceed();
            else if (step === 'settle') settles.shift()?.(undefined);
            else if (step === 'admit') queue.admitNext(clock.now());
            else if (step === 'outgrown') exchange.canReplay = false;
            else if (step === 'abort') {
              aborted = true;
              exchange.listener?.onAbort();
            } else if (step === 'body end' || step === 'body error') {
              if (settlements() === 0 || holding) continue;
              if (step === 'body end') exchange.listener?.onBodyEnd();
              else exchange.listener?.onBodyError(undefined);
            } else if (flying() && !holding) {
              const sent = exchange.attempts.length;
              const could = exchange.canReplay;
              if (step === 'error') exchange.failWith('ECONNRESET');
              else exchange.respondWith(step === 'head' ? 200 : 503);
              if (!could) assert.ok(exchange.attempts.length === sent);
            }
            await Promise.resolve();
          }
          const sentBefore = exchange.log.length;
          clock.advance(1_000);
          if (!aborted) proceed();
          // Whoever takes his time has a time limit of his own.
          for (const settle of settles) settle(undefined);
          await new Promise(setImmediate);
          if (!aborted) proceed();
          if (aborted) assert.equal(exchange.log.slice(sentBefore).join(), '');
          else assert.equal(settlements(), 1, exchange.log.join());
          exchange.listener?.onBodyEnd();
          assert.deepEqual(faults, []);
          assert.equal(pipeline().active, 0);
          assert.equal(listener.ended.length, 1);
          assert.equal(clock.pending, 0);
          const elsewhere = exchange.log.filter((entry) => entry.includes('backup')).length;
          assert.ok(released.length >= elsewhere);
          assert.ok(queue.verdicts.length <= 1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
