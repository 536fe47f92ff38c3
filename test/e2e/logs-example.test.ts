import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';

const ROOT = path.join(__dirname, '../../..');
const PAIR = /^ {2}trace ([0-9a-f]{32}) {2}request (\S+)\n {4}(pino|winston) +(.+)\n {4}ours +(.+)$/gm;

describe('The example of logs', function () {
  this.timeout(60_000);

  it('shows lines of pino and of winston with the ids that our lines have', async () => {
    const options = { cwd: ROOT, timeout: 50_000, killSignal: 'SIGKILL' } as const;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['examples/logs/run.js'], options);
    assert.equal(stderr, '');
    const pairs = [...stdout.matchAll(PAIR)].map(([, trace, request, logger, theirs, ours]) => {
      return { trace, request, logger, theirs: theirs ?? '', ours: ours ?? '' };
    });
    for (const logger of ['pino', 'winston']) {
      const [opened, rejected, ...others] = pairs.filter((pair) => pair.logger === logger);
      assert.deepEqual(others, []);
      assert.equal(opened?.request, 'req-order-2');
      assert.match(opened?.theirs ?? '', /order-2 put off: the inventory answered 503/);
      assert.match(opened?.ours ?? '', /closed -> open/);
      assert.equal(rejected?.request, 'req-order-3');
      assert.match(rejected?.theirs ?? '', /order-3 put off: circuit of .+ is open/);
      assert.match(rejected?.ours ?? '', /rejected \(circuit_open\)/);
      assert.notEqual(opened?.trace, rejected?.trace);
    }
  });
});
