import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Bulkhead } from '../../../src/strategies/bulkhead/bulkhead.ts';
import type { Permit, Queued, Rejection } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { ManualClock } from '../../support/manual-clock.ts';

type Step =
  | { readonly do: 'enter' }
  | { readonly do: 'release' | 'release again' | 'cancel'; readonly which: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'reconfigure'; readonly maxConcurrent: number; readonly maxQueue: number };

const which = fc.nat({ max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Step>({ do: 'enter' }) },
  { weight: 5, arbitrary: which.map((n): Step => ({ do: 'release', which: n })) },
  { weight: 1, arbitrary: which.map((n): Step => ({ do: 'release again', which: n })) },
  { weight: 3, arbitrary: which.map((n): Step => ({ do: 'cancel', which: n })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }).map((ms): Step => ({ do: 'advance', ms })) },
);
const resize: fc.Arbitrary<Step> = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.nat({ max: 5 }))
  .map(([maxConcurrent, maxQueue]): Step => ({ do: 'reconfigure', maxConcurrent, maxQueue }));

/** Drives a bulkhead and, beside it, lists of who should be running and who should be waiting. */
class Driver {
  readonly clock = new ManualClock();
  readonly bulkhead: Bulkhead;
  maxConcurrent: number;
  maxQueue: number;
  readonly running: Array<{ readonly id: number; readonly permit: Permit }> = [];
  readonly waiting: Array<{ readonly id: number; readonly queued: Queued; readonly endsMs: number }> = [];
  readonly released: Permit[] = [];
  readonly wrong: string[] = [];
  #next = 0;

  constructor(maxConcurrent: number, maxQueue: number) {
    this.maxConcurrent = maxConcurrent;
    this.maxQueue = maxQueue;
    const options = { maxConcurrent, maxQueue, queueTimeoutMs: 50, adaptive: undefined };
    this.bulkhead = new Bulkhead(options, { upstream: 'upstream', clock: this.clock });
  }

  run(todo: Step): void {
    switch (todo.do) {
      case 'enter':
        return this.#enter();
      case 'release': {
        const [ended] = this.running.splice(todo.which % Math.max(1, this.running.length), 1);
        if (ended === undefined) return;
        this.released.push(ended.permit);
        ended.permit.release('success', this.clock.now());
        return;
      }
      case 'release again':
        return this.released[todo.which % Math.max(1, this.released.length)]?.release('failure', this.clock.now());
      case 'cancel': {
        const [left] = this.waiting.splice(todo.which % Math.max(1, this.waiting.length), 1);
        return left?.queued.cancel(this.clock.now());
      }
      case 'advance':
        return this.clock.advance(todo.ms);
      case 'reconfigure':
        this.maxConcurrent = todo.maxConcurrent;
        this.maxQueue = todo.maxQueue;
        return this.bulkhead.reconfigure({ ...todo, queueTimeoutMs: 50, adaptive: undefined }, this.clock.now());
    }
  }

  check(): void {
    assert.deepEqual(this.wrong, []);
    const { executing, queued } = this.bulkhead.snapshot();
    assert.equal(executing, this.running.length);
    assert.equal(queued, this.waiting.length);
    assert.ok(queued === 0 || executing >= this.maxConcurrent, 'nobody waits while a slot is free');
    assert.ok(
      this.waiting.every(({ endsMs }) => endsMs > this.clock.now()),
      'nobody waits for too long',
    );
  }

  #enter(): void {
    const id = this.#next++;
    const mayRun = this.running.length < this.maxConcurrent;
    const mayWait = this.waiting.length < this.maxQueue;
    const admission = this.bulkhead.acquire(callInfo(), this.clock.now());
    assert.equal(admission.kind, mayRun ? 'permit' : mayWait ? 'queued' : 'rejection');
    if (admission.kind === 'permit') this.running.push({ id, permit: admission });
    if (admission.kind !== 'queued') return;
    this.waiting.push({ id, queued: admission, endsMs: this.clock.now() + 50 });
    admission.onSettled((outcome) => this.#settled(id, outcome));
  }

  /** What is wrong is noted, not thrown: the bulkhead survives listeners that throw. */
  #settled(id: number, outcome: Permit | Rejection): void {
    const first = this.waiting.shift();
    if (first?.id !== id) this.wrong.push(`${id} came before ${first?.id}`);
    if (outcome.kind === 'rejection') {
      if (first?.endsMs !== this.clock.now()) this.wrong.push(`${id} rejected with ${outcome.reason} before its time`);
      return;
    }
    if (this.running.length >= this.maxConcurrent) this.wrong.push(`${id} is one too many`);
    this.running.push({ id, permit: outcome });
  }
}

describe('a bulkhead, whatever the interleaving', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 4 }));

  it('behaves as two plain lists would: order, limits, timeouts', () => {
    const property = fc.property(sizes, fc.array(step, { maxLength: 80 }), ([maxConcurrent, maxQueue], steps) => {
      const driver = new Driver(maxConcurrent, maxQueue);
      for (const todo of steps) {
        driver.run(todo);
        driver.check();
        assert.ok(driver.running.length <= maxConcurrent);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('does so while its limits change', () => {
    const steps = fc.array(fc.oneof({ weight: 10, arbitrary: step }, { weight: 1, arbitrary: resize }), {
      maxLength: 80,
    });
    const property = fc.property(sizes, steps, ([maxConcurrent, maxQueue], todos) => {
      const driver = new Driver(maxConcurrent, maxQueue);
      for (const todo of todos) {
        driver.run(todo);
        driver.check();
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('holds nothing once everybody has left or ended', () => {
    const property = fc.property(sizes, fc.array(step, { maxLength: 80 }), ([maxConcurrent, maxQueue], steps) => {
      const driver = new Driver(maxConcurrent, maxQueue);
      for (const todo of steps) driver.run(todo);
      while (driver.waiting.length > 0) driver.run({ do: 'cancel', which: 0 });
      while (driver.running.length > 0) driver.run({ do: 'release', which: 0 });
      assert.deepEqual(driver.bulkhead.snapshot(), { executing: 0, queued: 0, maxConcurrent, maxQueue });
      assert.equal(driver.clock.pending, 0);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
