import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { before, describe, it } from 'mocha';

const run = promisify(execFile);
const SCENARIOS = path.join(__dirname, 'parity-scenarios.js');

type Results = Record<string, string[]>;

async function results(mode: string): Promise<Results> {
  const { stdout } = await run(process.execPath, [SCENARIOS, mode], { maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as Results;
}

const RESPONSE_KEYS = /^( {2}listeners .* own )(\d+)$/;

/** Takes one off the number of a response's own keys, where it is one more than any response has without us. */
function hideOwnPush(log: string[], bare: Results): void {
  const counts = Object.values(bare).flatMap((lines) =>
    lines.map((line) => Number(RESPONSE_KEYS.exec(line)?.[2] ?? 0)),
  );
  const most = Math.max(...counts);
  for (const [i, line] of log.entries()) {
    log[i] = line.replace(RESPONSE_KEYS, (_, before, keys) => `${before}${Number(keys) === most + 1 ? most : keys}`);
  }
}

describe('what an app sees of http, event by event', () => {
  let bare: Results = {};

  before(async () => {
    bare = await results('bare');
  });

  it('covers at least 32 scenarios', () => {
    assert.ok(Object.keys(bare).length >= 32, `${Object.keys(bare).length}`);
    assert.ok(!JSON.stringify(bare).includes('TIMED OUT'), JSON.stringify(bare, null, 1));
  });

  for (const [mode, sentence] of [
    ['unrouted', 'is the same when no policy applies'],
    ['passed', 'is the same under a policy that lets calls go'],
    ['armed', 'is the same when a retry was possible and failures were held for a moment'],
    ['held', 'is the same when every outcome was held for a moment'],
    ['full', 'is the same under the engine itself with every policy configured and none of them acting'],
    ['observed', 'is the same in observe mode, with every policy having a reason to act at every call'],
  ] as const) {
    it(sentence, async () => {
      const seen = await results(mode);
      // Where a body is looked on at, its response has a `push` of its own, which is not enumerable.
      if (mode === 'full' || mode === 'observed') for (const log of Object.values(seen)) hideOwnPush(log, bare);
      const different = Object.keys(bare).filter((name) => JSON.stringify(bare[name]) !== JSON.stringify(seen[name]));
      for (const name of different) assert.deepEqual(seen[name], bare[name], name);
      assert.deepEqual(Object.keys(seen), Object.keys(bare));
    });
  }
});
