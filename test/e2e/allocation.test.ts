import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { OURS, runApp } from './run-app.ts';

/** Nothing compiled and nothing collected meanwhile: what is counted is then the same in every run. */
const COUNTABLE = ['--expose-gc', '--no-opt', '--no-sparkplug', '--min-semi-space-size=64', '--max-semi-space-size=64'];
const NO_MIDDLE_TIER = Number.parseInt(process.versions.node, 10) >= 22 ? ['--no-maglev'] : [];

/** Bytes of heap per http call beyond Node's own. They differ by 4 % between Node 20 and 26. */
const RECORDED = [
  { policy: 'the default policy', env: {}, bytes: 2_520 },
  { policy: 'preset standard', env: { OTEL_RESILIENCE_PRESET: 'standard' }, bytes: 8_700 },
];

describe('what a call allocates, by the interpreter', () => {
  let bare: number;
  before(async () => {
    bare = await bytesPerCall([], {});
  });

  for (const { policy, env, bytes } of RECORDED) {
    it(`is within a tenth of what is on record, with ${policy}`, async () => {
      const added = (await bytesPerCall(OURS, env)) - bare;
      assert.ok(Math.abs(added / bytes - 1) <= 0.1, `${added} bytes; ${bytes} on record`);
    });
  }
});

async function bytesPerCall(preloads: readonly string[], env: Record<string, string>): Promise<number> {
  const options = [...COUNTABLE, ...NO_MIDDLE_TIER, ...preloads];
  const { code, stdout, stderr } = await runApp('allocation.cjs', { preloads: options, env });
  assert.equal(code, 0, stderr);
  return Number(stdout);
}
