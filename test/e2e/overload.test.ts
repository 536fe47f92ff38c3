import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'mocha';

const ROOT = path.join(__dirname, '../../..');
const EXAMPLE = path.join(ROOT, 'examples/overload/run.js');

interface Result {
  /** Of what the service can do. */
  readonly goodput: number;
  readonly byClient: Readonly<Record<'http' | 'fetch', number>>;
  readonly p99Ms: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

interface Report {
  readonly unloadedMs: number;
  readonly results: Readonly<Record<'without' | 'admission' | 'adaptive bulkhead', Result>>;
}

describe('A service that is asked for three times what it can do, over sockets', function () {
  this.timeout(60_000);

  it('does little without us, most of it with admission, nearly all with a bulkhead that adapts', async () => {
    // A short one, on a machine that may be busy: the margins are wide, the order of the three is what counts.
    const example = fork(EXAMPLE, ['5'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let stderr = '';
    example.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const exited = once(example, 'exit');
    const [report] = (await Promise.race([once(example, 'message'), exited])) as [Report];
    assert.deepEqual([(await exited)[0], stderr], [0, '']);
    const { without, admission, 'adaptive bulkhead': adaptive } = report.results;
    const told = JSON.stringify(report);
    assert.ok(without.goodput < 0.4, told);
    assert.ok(admission.goodput > without.goodput + 0.2, told);
    assert.ok(adaptive.goodput > without.goodput + 0.35, told);
    assert.ok(adaptive.p99Ms < admission.p99Ms && adaptive.p99Ms < without.p99Ms, told);
    assert.ok((admission.outcomes.ERR_RESILIENCE_ADMISSION ?? 0) > 0, told);
    assert.ok((adaptive.outcomes.ERR_RESILIENCE_BULKHEAD_FULL ?? 0) > 0, told);
    for (const { byClient } of [admission, adaptive]) assert.ok(byClient.http > 0 && byClient.fetch > 0, told);
  });
});
