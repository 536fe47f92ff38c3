import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { AdaptiveLimit } from '../../../src/strategies/bulkhead/adaptive-limit.ts';
import { ADAPTIVE_CEILING, ADAPTIVE_DEFAULTS } from '../../../src/strategies/bulkhead/adaptive-options.ts';
import { type Admitting, quantile, type ServerModel, simulate } from '../../support/simulated-server.ts';

interface Watched {
  readonly client: Admitting;
  /** The mean of the limit between two times. */
  meanLimit(fromMs: number, toMs: number): number;
  readonly tick: (nowMs: number) => void;
}

function adaptive(): Watched {
  const limit = new AdaptiveLimit(ADAPTIVE_DEFAULTS, ADAPTIVE_CEILING);
  const seen: Array<{ readonly atMs: number; readonly limit: number }> = [];
  return {
    client: {
      admits: (inFlight) => inFlight < limit.limit,
      responded: (headMs, inFlight, nowMs) => limit.responded(headMs, inFlight, nowMs),
    },
    tick(nowMs) {
      if (nowMs - (seen.at(-1)?.atMs ?? -100) >= 100) seen.push({ atMs: nowMs, limit: limit.limit });
    },
    meanLimit(fromMs, toMs) {
      const between = seen.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
      return between.reduce((sum, one) => sum + one.limit, 0) / between.length;
    },
  };
}

function fixed(limit: number): Admitting {
  return { admits: (inFlight) => inFlight < limit, responded() {} };
}

function assertWithin(actual: number, expected: number, share: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= expected * share,
    `${what}: ${actual.toFixed(1)}, wanted ${expected} ± ${share * 100} %`,
  );
}

describe('AdaptiveLimit', () => {
  for (const spread of ['none', 'even'] as const) {
    for (const workers of [8, 20, 50, 100]) {
      it(`settles near what ${workers} workers can take, times of service spread: ${spread}`, () => {
        const watched = adaptive();
        const server: ServerModel = { workers, serviceMs: 10, spread };
        simulate(server, watched.client, { load: 3, durationMs: 20_000, seed: 1, tick: watched.tick });
        assertWithin(watched.meanLimit(3_000, 20_000), workers, spread === 'none' ? 0.25 : 0.3, 'limit');
      });
    }
  }

  it('keeps the 99th percentile within twice the unloaded one, where a limit of 100 lets it grow tenfold', () => {
    const model = (): ServerModel => ({ workers: 8, serviceMs: 10, spread: 'even' });
    const run = { load: 3, durationMs: 20_000, seed: 7 };
    const unloaded = quantile(simulate(model(), fixed(8), { ...run, load: 0.3 }), 0.99);
    const late = simulate(model(), adaptive().client, run).filter(({ atMs }) => atMs > 3_000);
    assert.ok(quantile(late, 0.99) <= 2 * unloaded, `${quantile(late, 0.99)} ms, unloaded ${unloaded} ms`);
    assert.ok(quantile(simulate(model(), fixed(100), run), 0.99) >= 8 * unloaded);
    assert.ok(late.length >= 0.9 * ((17_000 / 10) * 8), `${late.length} answers`);
  });

  const changes: ReadonlyArray<{ readonly what: string; readonly to: Partial<ServerModel>; readonly limit: number }> = [
    { what: 'twice the workers', to: { workers: 32 }, limit: 32 },
    { what: 'half of the workers', to: { workers: 8 }, limit: 8 },
    { what: 'answers that take twice as long', to: { serviceMs: 20 }, limit: 16 },
    { what: 'answers that take half as long', to: { serviceMs: 5 }, limit: 16 },
  ];
  for (const { what, to, limit } of changes) {
    it(`follows ${what}`, () => {
      const watched = adaptive();
      const server: ServerModel = { workers: 16, serviceMs: 10, spread: 'none' };
      let changed = false;
      const tick = (nowMs: number): void => {
        watched.tick(nowMs);
        if (changed || nowMs < 10_000) return;
        changed = true;
        Object.assign(server, to);
      };
      simulate(server, watched.client, { load: 6, durationMs: 25_000, seed: 3, tick });
      assertWithin(watched.meanLimit(5_000, 10_000), 16, 0.25, 'before');
      assertWithin(watched.meanLimit(13_000, 25_000), limit, 0.25, 'after');
    });
  }

  it('does not drift up with an overload that lasts ten minutes', () => {
    const watched = adaptive();
    const server: ServerModel = { workers: 4, serviceMs: 40, spread: 'even' };
    simulate(server, watched.client, { load: 5, durationMs: 600_000, seed: 11, tick: watched.tick });
    assert.ok(watched.meanLimit(540_000, 600_000) <= watched.meanLimit(10_000, 70_000) + 1.5);
  });

  it('refuses nothing of an app whose upstream keeps up, not to measure it either, slow first answers or not', () => {
    for (const warmingUpMs of [0, 1_500]) {
      const { client } = adaptive();
      let refused = 0;
      const watching: Admitting = {
        admits(inFlight, nowMs) {
          const admitted = client.admits(inFlight, nowMs);
          if (!admitted && nowMs > 5_000) refused++;
          return admitted;
        },
        responded: (headMs, inFlight, nowMs) =>
          client.responded(nowMs < warmingUpMs ? headMs + 40 : headMs, inFlight, nowMs),
      };
      const server: ServerModel = { workers: 10_000, serviceMs: 50, spread: 'even' };
      // 15 in flight on average.
      simulate(server, watching, { load: 15 / 10_000, durationMs: 120_000, seed: 1 });
      assert.equal(refused, 0);
    }
  });

  it('keeps an upstream with slow answers busy: measuring it takes a small part of the time', () => {
    const server: ServerModel = { workers: 8, serviceMs: 1_000, spread: 'even' };
    const answers = simulate(server, adaptive().client, { load: 3, durationMs: 600_000, seed: 1 });
    const late = answers.filter(({ atMs }) => atMs > 120_000).length;
    assert.ok(late >= 0.9 * 8 * 480, `${late} answers of ${8 * 480}`);
  });

  it('falls once for all calls that time out in the same jam', () => {
    const limit = new AdaptiveLimit(ADAPTIVE_DEFAULTS, ADAPTIVE_CEILING);
    for (let i = 0; i < 15; i++) limit.timedOut();
    assert.equal(limit.limit, 18);
  });

  it('stays where it is while less than half of it is used', () => {
    const limit = new AdaptiveLimit(ADAPTIVE_DEFAULTS, ADAPTIVE_CEILING);
    for (let i = 0; i < 5_000; i++) limit.responded(10 + (i % 7), 3, i);
    assert.equal(limit.limit, ADAPTIVE_DEFAULTS.initial);
  });

  it('stays between its bounds whatever it is told', () => {
    const event = fc.oneof(
      fc.record({ headMs: fc.double({ min: 0, max: 1e6, noNaN: true }), inFlight: fc.integer({ min: 1, max: 2_000 }) }),
      fc.constant('timeout' as const),
    );
    const options = fc.record({
      initial: fc.integer({ min: 1, max: 500 }),
      min: fc.integer({ min: 1, max: 50 }),
      tolerance: fc.double({ min: 1, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(
        options,
        fc.integer({ min: 50, max: 500 }),
        fc.array(event, { maxLength: 400 }),
        (chosen, ceiling, events) => {
          const limit = new AdaptiveLimit(chosen, ceiling);
          events.forEach((one, i) => {
            if (one === 'timeout') limit.timedOut();
            else limit.responded(one.headMs, Math.min(one.inFlight, limit.limit), i * 10);
            assert.ok(limit.limit >= chosen.min && limit.limit <= ceiling && Number.isInteger(limit.limit));
          });
        },
      ),
    );
  });
});
