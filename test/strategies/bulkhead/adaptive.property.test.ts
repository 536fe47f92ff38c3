import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Bulkhead } from '../../../src/strategies/bulkhead/bulkhead.ts';
import type { Permit } from '../../../src/strategies/shared/contract.ts';
import { callInfo } from '../../support/call-info.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MIN = 2;
const CEILING = 30;
const MAX_QUEUE = 4;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('enter' as const), which: fc.constant(0) }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom('head' as const, 'slow head' as const, 'release' as const, 'timeout' as const),
      which: fc.nat({ max: 100 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), which: fc.nat({ max: 40 }) }) },
);

/**
 * The model: a set of running calls, a line of waiting ones, and whatever the limit is. The limit may move at any head
 * and any timeout; all else is a plain bulkhead's.
 */
class Model {
  readonly clock = new ManualClock();
  readonly bulkhead = new Bulkhead(
    {
      maxConcurrent: CEILING,
      maxQueue: MAX_QUEUE,
      queueTimeoutMs: 50,
      adaptive: { initial: 5, min: MIN, tolerance: 1.5 },
    },
    { upstream: 'upstream', clock: this.clock },
  );
  readonly running: Permit[] = [];
  /** By number, in the order they came. */
  waiting: number[] = [];
  #next = 0;

  get limit(): number {
    return this.bulkhead.snapshot().maxConcurrent;
  }

  run(todo: 'enter' | 'head' | 'slow head' | 'release' | 'timeout' | 'advance', which: number): void {
    if (todo === 'enter') return this.#enter();
    if (todo === 'advance') return this.clock.advance(which);
    const index = which % Math.max(1, this.running.length);
    const permit = this.running[index];
    const nowMs = this.clock.now();
    // Many at a time, or the limit would hardly ever move.
    if (todo === 'head') for (let i = 0; i < 60; i++) permit?.headCame?.(10, nowMs);
    else if (todo === 'slow head') for (let i = 0; i < 60; i++) permit?.headCame?.(40, nowMs);
    else if (todo === 'timeout') permit?.headTimedOut?.(nowMs);
    else if (permit !== undefined) {
      this.running.splice(index, 1);
      permit.release('success', nowMs);
    }
  }

  #enter(): void {
    const number = this.#next++;
    const { executing, queued, maxConcurrent } = this.bulkhead.snapshot();
    const admission = this.bulkhead.acquire(callInfo(), this.clock.now());
    const expected = executing < maxConcurrent && queued === 0 ? 'permit' : queued < MAX_QUEUE ? 'queued' : 'rejection';
    assert.equal(admission.kind, expected);
    if (admission.kind === 'permit') this.running.push(admission);
    if (admission.kind !== 'queued') return;
    this.waiting.push(number);
    admission.onSettled((settled) => {
      assert.ok(this.waiting.includes(number));
      if (settled.kind === 'permit') {
        // First come, first served; and only into a free slot.
        assert.equal(this.waiting[0], number);
        assert.ok(this.bulkhead.snapshot().executing <= this.limit);
        this.running.push(settled);
      }
      this.waiting = this.waiting.filter((other) => other !== number);
    });
  }

  check(): void {
    const { executing, queued } = this.bulkhead.snapshot();
    assert.equal(executing, this.running.length);
    assert.equal(queued, this.waiting.length);
    assert.ok(this.limit >= MIN && this.limit <= CEILING && Number.isInteger(this.limit));
    // Nobody waits while there is room: a limit that rose was given out at once.
    assert.ok(queued === 0 || executing >= this.limit, `${queued} wait, ${executing} of ${this.limit} run`);
  }
}

describe('A bulkhead whose limit adapts, under any schedule', () => {
  it('is a plain bulkhead below the limit of now, and leaves nothing behind', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const model = new Model();
        for (const { do: todo, which } of steps) {
          model.run(todo, which);
          model.check();
        }
        while (model.running.length > 0) model.run('release', 0);
        model.clock.advance(50);
        assert.deepEqual(model.bulkhead.snapshot().executing, 0);
        assert.deepEqual(model.bulkhead.snapshot().queued, 0);
        assert.equal(model.clock.pending, 0);
      }),
      { numRuns: 300 },
    );
  });
});
