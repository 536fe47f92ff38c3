import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { RateLimiter } from '../../../src/strategies/rate-limiter/rate-limiter.ts';
import type { Permit, Queued, Rejection } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { head } from '../../support/fake-exchange.ts';
import { ManualClock } from '../../support/manual-clock.ts';

type Step =
  | { readonly do: 'enter' }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'retry-after'; readonly seconds: number };

const calls: fc.Arbitrary<Step>[] = [
  fc.constant<Step>({ do: 'enter' }),
  fc.constant<Step>({ do: 'enter' }),
  fc.nat({ max: 20 }).map((which): Step => ({ do: 'cancel', which })),
  fc.integer({ min: 1, max: 600 }).map((ms): Step => ({ do: 'advance', ms })),
];
const gate = fc.integer({ min: 1, max: 2 }).map((seconds): Step => ({ do: 'retry-after', seconds }));

const limits = fc.record({
  permits: fc.constantFrom(1, 2, 4, 5, 10), // whole milliseconds per token: what wakes a call is exact then
  burst: fc.integer({ min: 1, max: 4 }),
  maxWaitMs: fc.constantFrom(0, 150, 1_000, 2_500),
});

class Driver {
  readonly clock = new ManualClock();
  readonly limiter: RateLimiter;
  readonly maxWaitMs: number;
  readonly waiting: Array<{ readonly id: number; readonly queued: Queued; readonly latestMs: number }> = [];
  readonly admittedAt: number[] = [];
  readonly wrong: string[] = [];
  opensAtMs = 0;
  dismissing = false;
  #next = 0;

  constructor(limit: { readonly permits: number; readonly burst: number; readonly maxWaitMs: number }) {
    this.maxWaitMs = limit.maxWaitMs;
    const options = { ...limit, intervalMs: 1_000, respectRetryAfter: true, maxRetryAfterMs: 1_500 };
    this.limiter = new RateLimiter(options, { upstream: 'upstream', clock: this.clock, wallClockMs: () => 0 });
  }

  run(todo: Step): void {
    switch (todo.do) {
      case 'enter':
        return this.#enter();
      case 'cancel': {
        const [left] = this.waiting.splice(todo.which % Math.max(1, this.waiting.length), 1);
        return left?.queued.cancel(this.clock.now());
      }
      case 'advance':
        return this.clock.advance(todo.ms);
      case 'retry-after': {
        const nowMs = this.clock.now();
        this.opensAtMs = Math.max(this.opensAtMs, nowMs + Math.min(1_500, todo.seconds * 1_000));
        this.dismissing = true;
        this.limiter.onResponse(head(503, { 'retry-after': String(todo.seconds) }), nowMs);
        this.dismissing = false;
      }
    }
  }

  check(): void {
    assert.deepEqual(this.wrong, []);
    assert.equal(this.clock.pending, this.waiting.length > 0 ? 1 : 0);
  }

  #enter(): void {
    const id = this.#next++;
    const nowMs = this.clock.now();
    const admission = this.limiter.acquire(callInfo(), nowMs);
    if (admission.kind === 'permit') {
      if (this.waiting.length > 0) this.wrong.push(`${id} went before those who wait`);
      this.#admitted(id);
    }
    if (admission.kind !== 'queued') return;
    this.waiting.push({ id, queued: admission, latestMs: nowMs + this.maxWaitMs });
    admission.onSettled((outcome) => this.#settled(id, outcome));
  }

  /** What is wrong is noted, not thrown: the limiter survives listeners that throw. */
  #settled(id: number, outcome: Permit | Rejection): void {
    const at = this.waiting.findIndex((call) => call.id === id);
    const [call] = this.waiting.splice(at, 1);
    if (call === undefined) this.wrong.push(`${id} had left`);
    if (outcome.kind === 'rejection') {
      if (!this.dismissing) this.wrong.push(`${id} waited for nothing`);
      return;
    }
    if (at !== 0) this.wrong.push(`${id} was not the first`);
    if (call !== undefined && this.clock.now() > call.latestMs) this.wrong.push(`${id} waited for too long`);
    this.#admitted(id);
  }

  #admitted(id: number): void {
    if (this.clock.now() < this.opensAtMs) this.wrong.push(`${id} went through the closed gate`);
    this.admittedAt.push(this.clock.now());
  }
}

describe('a rate limiter, whatever the interleaving', () => {
  it('admits in order, in time, never through a closed gate, and breaks no promise to those who wait', () => {
    const steps = fc.array(fc.oneof(...calls, { weight: 1, arbitrary: gate }), { maxLength: 80 });
    const property = fc.property(limits, steps, (limit, todos) => {
      const driver = new Driver(limit);
      for (const todo of todos) {
        driver.run(todo);
        driver.check();
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('admits no more than its burst and what came in since, in any span of time', () => {
    const property = fc.property(limits, fc.array(fc.oneof(...calls, gate), { maxLength: 80 }), (limit, todos) => {
      const driver = new Driver(limit);
      for (const todo of todos) driver.run(todo);
      const { admittedAt } = driver;
      for (let from = 0; from < admittedAt.length; from++) {
        for (let to = from; to < admittedAt.length; to++) {
          const spanMs = (admittedAt[to] ?? 0) - (admittedAt[from] ?? 0);
          assert.ok(to - from + 1 <= limit.burst + (spanMs * limit.permits) / 1_000, `in ${spanMs} ms`);
        }
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('admits as many as it can: a caller who asks every time finds each token', () => {
    const everyMs = fc.integer({ min: 1, max: 50 });
    const property = fc.property(limits, everyMs, (limit, ms) => {
      const driver = new Driver({ ...limit, maxWaitMs: 0 });
      for (let elapsed = 0; elapsed < 5_000; elapsed += ms) {
        driver.run({ do: 'enter' });
        driver.run({ do: 'advance', ms });
      }
      const tokenMs = 1_000 / limit.permits;
      // At worst each token is found one question late; a bucket that was full meanwhile has lost nothing else.
      const possible = limit.burst > 1 ? limit.burst + 5_000 / tokenMs : 1 + 5_000 / (tokenMs + ms);
      const asked = Math.ceil(5_000 / ms);
      assert.ok(driver.admittedAt.length >= Math.min(asked, Math.floor(possible)) - 1, `${driver.admittedAt.length}`);
    });
    fc.assert(property);
  });
});
