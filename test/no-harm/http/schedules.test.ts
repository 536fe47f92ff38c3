import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { patchHttp } from '../../../src/interception/http/patch-http.ts';
import type { Undo } from '../../../src/interception/patch.ts';
import { HttpDriver } from '../http-driver.ts';
import { PolicyEngines } from '../policies.ts';
import { describeViolations, playSchedules, runFromEnvironment, Stage } from '../schedules.ts';

describe('http.request under any schedule of app, upstream and policy', () => {
  const faults: unknown[] = [];
  const stage = new Stage();
  const driver = new HttpDriver();
  let undo: Undo;

  before(async () => {
    await stage.open();
    const engine = new PolicyEngines(stage.backup.port, (error) => faults.push(error));
    ({ undo } = patchHttp({ engine, bypass: () => false, report: (error) => faults.push(error) }));
  });
  after(async () => {
    undo();
    driver.close();
    await stage.close();
  });

  it('stores what the app wrote wherever it says 2xx, and settles every call once', async function () {
    const run = runFromEnvironment(7_000);
    this.timeout(30_000 + 100 * run.calls);
    const summary = await playSchedules(driver, stage, run);
    if (process.env.NO_HARM_SHOW !== undefined) console.error(new Map([...summary.outcomes].sort()));
    assert.equal(summary.violations.length, 0, describeViolations(summary, run.seed));
    assert.deepEqual(faults, []);
  });
});
