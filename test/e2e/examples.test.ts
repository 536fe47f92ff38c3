import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';

const ROOT = path.join(__dirname, '../../..');
const run = promisify(execFile);

/** What the example prints; rejects unless it ends with 0 in time. */
async function output(file: string): Promise<string> {
  // Without the line about an open circuit, which an app without an SDK gets on stderr.
  const env = { ...process.env, OTEL_RESILIENCE_LOG: 'off' };
  const options = { cwd: ROOT, timeout: 20_000, killSignal: 'SIGKILL', env } as const;
  const { stdout, stderr } = await run(process.execPath, [path.join('examples', file)], options);
  assert.equal(stderr, '');
  return stdout;
}

describe('The examples', function () {
  this.timeout(25_000);

  it('zero-code: every way of loading stops the sixth call, with CommonJS and ES modules', async () => {
    const lines = (await output('zero-code/run.js')).split('\n');
    const reached = lines.flatMap((line) => /(\d) of 8 calls reached the service/.exec(line)?.[1] ?? []);
    assert.deepEqual(reached, ['8', '8', ...Array.from({ length: 6 }, () => '5')]);
    assert.equal(lines.filter((line) => line === 'withFetch 503 CIRCUIT_OPEN CIRCUIT_OPEN CIRCUIT_OPEN').length, 6);
  });

  it('programmatic: shows spans, state, and manual control', async () => {
    const text = await output('programmatic/index.js');
    assert.match(
      text,
      /INTERNAL resilience\.execute users failure .*circuit_breaker\.state_change .*health_change request\.id order-3/,
    );
    assert.match(text, /GET \/users\/7: ERR_RESILIENCE_CIRCUIT_OPEN: circuit of user-service is open \(3 failures/);
    assert.match(text, /user-service under users: circuit user-service closed/);
    assert.match(text, /is open \(forced open\)/);
  });

  it('fallback: goes through backups, cache and a degraded answer, and back to the primary', async () => {
    const text = await output('fallback/run.js');
    const sources = [...text.matchAll(/GET \/users\/\d {2}200 {2}from ([a-z ]+)/g)].map(([, source]) => source);
    const expected = ['user service', 'endpoint', 'endpoint', 'cache', 'degraded'];
    assert.deepEqual(sources.slice(0, expected.length), expected);
    assert.equal(sources.at(-1), 'user service');
    assert.match(text, /User 7 \(says backup1\)[\s\S]*User 7 \(says backup2\)/);
    assert.match(text, /\{"id":"8","name":"Unknown","email":null,"status":"degraded"\}/);
  });

  it('hedge: takes the stalls away, for a few requests more', async () => {
    const text = await output('hedge/run.js');
    const most = [...text.matchAll(/p99 (\d+) ms/g)].map(([, ms]) => Number(ms));
    const [without = 0, hedged = 0] = most;
    assert.ok(without >= 1_000 && hedged < without / 2, text);
    const [bare = 0, ours = 0] = [...text.matchAll(/(\d+) requests/g)].map(([, count]) => Number(count));
    assert.ok(ours >= bare && ours <= bare * 1.2, text);
  });

  it('bulkhead: bounds the slow upstream and leaves the other alone', async () => {
    const [without = '', limited = ''] = (await output('bulkhead/run.js')).split('--require');
    const most = (text: string) => Number(/notifications .* (\d+) running at a time/.exec(text)?.[1]);
    assert.ok(most(without) > 8, without);
    assert.equal(most(limited), 8);
    assert.match(limited, /refused with ERR_RESILIENCE_BULKHEAD_FULL/);
    assert.match(limited, /payments +60 answered .* 0 refused/);
  });
});
