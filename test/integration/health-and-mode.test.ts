import assert from 'node:assert/strict';
import type http from 'node:http';
import { after, before, describe, it } from 'mocha';
import { App, CLIENTS } from './support/app.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const DIVERTING = `
policies:
  default:
    health: { window: 10, minimum_calls: 4, threshold: 0.5, probe_interval: 100ms }
    fallback: { on_unhealthy: true, response: { body: substitute } }
`;

const EVERYTHING = (backup: string): string => `
mode: observe
policies:
  default:
    preset: standard
    circuit_breaker: { consecutive_failures: 2, open: { duration: 1h } }
    bulkhead: { max_concurrent: 1, max_queue: 0 }
    rate_limiter: { permits: 1, interval: 1h }
    timeout: { attempt: 50ms, total: 100ms, idle: 50ms }
    retry: { max_retries: 3, budget: { min_per_second: 1000 } }
    fallback: { endpoints: ["${backup}"], cache: {}, response: { body: substitute } }
`;

describe('a policy that diverts from an unhealthy upstream', () => {
  let app: App;

  before(async () => {
    app = await App.start({ config: DIVERTING });
  });
  after(() => app.end());

  for (const client of CLIENTS) {
    it(`leaves it alone but for a probe, and comes back when it has recovered, with ${client}`, async () => {
      const upstream = await ScriptedOrigin.start(503);
      const url = `${upstream.origin}/1`;
      for (let i = 0; i < 4; i++) await app.call(client, { url });
      assert.equal((await app.upstream(upstream.origin)).unhealthy, true);
      const diverted = await app.burst(client, { url }, 20);
      assert.ok(
        diverted.every(({ status, text }) => status === 200 && text === 'substitute'),
        JSON.stringify(diverted[0]),
      );
      assert.ok(diverted.every(({ headers }) => headers?.['resilience-source'] === 'degraded'));
      assert.ok(upstream.requests < 10, `${upstream.requests}`);
      upstream.act = 200;
      for (;;) {
        await app.call(client, { url });
        if (!(await app.upstream(upstream.origin)).unhealthy) break;
      }
      const { requests } = upstream;
      const replies = await app.burst(client, { url }, 5);
      assert.equal(upstream.requests, requests + 5);
      assert.ok(replies.every(({ headers }) => headers?.['resilience-source'] === undefined));
      await upstream.stop();
    });
  }
});

describe('observe mode with every policy', () => {
  let app: App;
  let backup: ScriptedOrigin;

  before(async () => {
    backup = await ScriptedOrigin.start();
    app = await App.start({ config: EVERYTHING(backup.origin) });
  });
  after(async () => {
    await app.end();
    await backup.stop();
    assert.equal(app.stderr, '');
  });

  for (const client of CLIENTS) {
    it(`changes nothing for ${client}, and counts what it would have done`, async () => {
      const upstream = await ScriptedOrigin.start((_request, response) => {
        response.statusCode = 503;
        held.push(response);
        if (held.length === 20) for (const each of held) each.end();
      });
      const held: http.ServerResponse[] = [];
      const url = `${upstream.origin}/1`;
      const failing = await app.burst(client, { url }, 20);
      assert.deepEqual(
        failing.map(({ status }) => status),
        Array(20).fill(503),
      );
      assert.equal(upstream.requests, 20);
      assert.equal(upstream.highWater, 20);
      // Three times the total timeout, and a body that pauses for longer than the idle timeout.
      upstream.act = (_request, response) => {
        setTimeout(() => {
          response.write('slow ');
          setTimeout(() => response.end('but good'), 150);
        }, 300);
      };
      const slow = await app.call(client, { url });
      assert.equal(slow.text, 'slow but good', JSON.stringify(slow));
      assert.equal(slow.headers?.['resilience-source'], undefined);
      assert.equal(backup.requests, 0);
      const { rejections, retries, fallbacks } = await app.upstream(upstream.origin);
      assert.equal(rejections.rate_limited, 20, JSON.stringify(rejections));
      assert.ok((rejections.bulkhead_full ?? 0) > 0);
      assert.ok((rejections.circuit_open ?? 0) > 0);
      assert.ok(
        Object.keys(retries).length > 0 && Object.keys(fallbacks).length > 0,
        JSON.stringify([retries, fallbacks]),
      );
      await upstream.stop();
    });
  }
});
