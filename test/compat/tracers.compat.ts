import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { installedTool, installedVersion } from './install.ts';
import { Intake } from './intake.ts';
import { type Loading, preloads, Shop } from './shop.ts';
import { runsHere } from './tools.ts';
import { TRACERS, type Traced } from './tracers.ts';
import { UnsteadyUpstream } from './unsteady-upstream.ts';

/** An installation from a registry, the first time. */
const INSTALL_MS = 600_000;
/** How long a tracer may keep what it has to tell. */
const PATIENCE_MS = 15_000;
const CLIENTS = ['http.get with a callback', 'http.request with an event', 'fetch'];
const DEFAULT = {};
const STANDARD = { OTEL_RESILIENCE_CONFIG_FILE: './standard.yaml' };
const BARE = [200, 503, 503, 'reset'];
/** The second attempt of a flaky call succeeds, and what stays down is answered in its place. */
const RESCUED = [200, 200, 203, 203];

const quick = process.env.COMPAT === 'quick';
const chosen = TRACERS.filter(({ name }) => runsHere(name) && (!quick || !/sentry-(8|9|10)/.test(name)));

for (const tracer of chosen) {
  describe(`beside ${tracer.name}`, function () {
    this.timeout(60_000);
    let folder: string;
    let upstream: UnsteadyUpstream;
    let intake: Intake;
    let shop: Shop | undefined;

    before(async function () {
      this.timeout(INSTALL_MS);
      folder = await installedTool(tracer.name);
      process.stdout.write(`    ${tracer.dependency} ${installedVersion(folder, tracer.dependency)}\n`);
    });
    beforeEach(async () => {
      upstream = await UnsteadyUpstream.start();
      intake = await Intake.start(tracer.intake);
    });
    afterEach(async () => {
      await shop?.end();
      await upstream.close();
      await intake.close();
    });
    after(() => assert.ok(folder));

    const open = async (loading: Loading, env: Record<string, string>): Promise<Shop> => {
      const all = { UPSTREAM: upstream.url, ...tracer.env(intake), ...env };
      shop = new Shop(folder, preloads(loading, tracer.setup), all);
      await shop.opened();
      return shop;
    };
    const traffic = async (running: Shop): Promise<unknown[][]> => {
      const outcomes: unknown[][] = [];
      for (const [index, client] of CLIENTS.entries()) {
        const paths = ['/ok', `/flaky/${index}`, '/down', client === 'fetch' ? '/reset/fetch' : '/reset/http'];
        const row: unknown[] = [];
        for (const path of paths) row.push(await running.call(client, path));
        outcomes.push(row.map((outcome) => (typeof outcome === 'string' ? 'reset' : outcome)));
      }
      return outcomes;
    };
    const traced = async (expected: Traced): Promise<Traced> => {
      const patient = AbortSignal.timeout(PATIENCE_MS);
      const given = new Promise<void>((resolve) => patient.addEventListener('abort', () => resolve()));
      for (;;) {
        const now = tracer.read(intake.exports, folder);
        if (now.incoming >= expected.incoming && now.outgoing >= expected.outgoing) return now;
        if (patient.aborted) return now;
        await Promise.race([intake.changed(), given]);
      }
    };

    for (const [loading, policy, env, outcome] of [
      ['bare', 'nothing', DEFAULT, BARE],
      ['ours first', 'the default policy', DEFAULT, BARE],
      ['tool first', 'the default policy', DEFAULT, BARE],
      ['ours first', 'retry and a fallback', STANDARD, RESCUED],
      ['tool first', 'retry and a fallback', STANDARD, RESCUED],
    ] as const) {
      it(`${loading}, with ${policy}: each call and each attempt is told of once`, async () => {
        const running = await open(loading, env);
        const outcomes = await traffic(running);
        assert.deepEqual(outcomes, Array(CLIENTS.length).fill([...outcome]));
        const told = upstream.attempts.filter(({ url }) => !tracer.untold?.includes(url));
        // A span of a whole `fetch` is known to the upstream by the same ids in each attempt.
        const spans = tracer.wrapsFetch ? new Set(told.map(({ trace }) => trace)).size : told.length;
        const expected = { incoming: CLIENTS.length * 4, outgoing: spans };
        assert.deepEqual(await traced(expected), expected);
        // What it had kept until its end.
        await running.end();
        assert.deepEqual(tracer.read(intake.exports, folder), expected);
        const own = upstream.attempts.filter(({ fetched }) => !(fetched && tracer.wrapsFetch));
        const traces = new Set(own.map(({ trace }) => trace));
        assert.equal(traces.size, own.length, 'an attempt goes by the ids of another');
        assert.equal(running.output.replace(tracer.says ?? '', ''), '', 'nothing is said on the console');
      });
    }

    for (const loading of ['ours first', 'tool first'] as const) {
      it(`${loading}: leaves its exports alone while its service is down`, async () => {
        intake.outage = 503;
        const running = await open(loading, STANDARD);
        for (let i = 0; i < 30; i++) await running.call('fetch', '/ok');
        while (intake.refused < 2) await intake.changed();
        assert.deepEqual(await running.upstreams(), [upstream.url]);
      });
    }
  });
}
