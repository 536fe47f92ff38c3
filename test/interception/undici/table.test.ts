import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CIRCUIT_BREAKER_DEFAULTS } from '../../../src/strategies/circuit-breaker/options.ts';

import { allEntryPoints, causeOf } from './support/entry-points.ts';
import { PatchedUndici } from './support/patched.ts';
import { Upstream } from './support/upstream.ts';

const patched = new PatchedUndici();

describe('smoke', () => {
  for (const point of allEntryPoints()) {
    it(`${point.name} passes`, async () => {
      const upstream = await Upstream.start(200);
      patched.use();
      const reply = await point.send(upstream.origin);
      assert.equal(reply.status, 200);
      assert.equal(await reply.text(), 'hit 1');
      assert.equal(patched.listener.started.length, 1);
      assert.equal(patched.listener.ended.length, 1);
      assert.deepEqual(patched.reports, []);
      await point.close();
      await upstream.stop();
    });
    it(`${point.name} rejects`, async () => {
      const upstream = await Upstream.start(500);
      patched.use({ policy: { circuitBreaker: { ...CIRCUIT_BREAKER_DEFAULTS, consecutiveFailures: 1 } } });
      await point
        .send(upstream.origin)
        .then((r) => r.text())
        .catch(() => {});
      await assert.rejects(point.send(upstream.origin), (error) => {
        assert.equal(causeOf(error, point).code, 'ERR_RESILIENCE_CIRCUIT_OPEN');
        return true;
      });
      assert.equal(upstream.hits.length, 1);
      assert.deepEqual(patched.reports, []);
      await point.close();
      await upstream.stop();
    });
  }
});
