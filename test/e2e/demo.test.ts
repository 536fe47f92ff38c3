import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, describe, it } from 'mocha';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const ROOT = path.join(__dirname, '../../..');
/** The demo gives up by itself before that. */
const TIME_LIMIT_MS = 35_000;

interface Run {
  readonly child: ChildProcess;
  /** What it has written so far. */
  output(): string;
  /** Resolves when the output matches. */
  says(text: RegExp): Promise<void>;
  ended(): Promise<number | null>;
}

let running: Run | undefined;

function startDemo(env: Readonly<Record<string, string>> = {}): Run {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _endpoint, ...inherited } = process.env;
  const child = spawn(process.execPath, ['build/examples/demo/run.js'], { cwd: ROOT, env: { ...inherited, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const closed = once(child, 'close') as Promise<[number | null]>;
  running = {
    child,
    output: () => output,
    async says(text) {
      while (!text.test(output)) {
        const more = once(child.stdout, 'data').then(() => true);
        if (!(await Promise.race([more, closed.then(() => text.test(output))]))) assert.fail(`${text}:\n${output}`);
      }
    },
    ended: async () => (await closed)[0],
  };
  return running;
}

/** The processes that the demo says it has started. */
function pidsIn(output: string): number[] {
  return [...output.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
}

function assertGone(pids: readonly number[]): void {
  assert.equal(pids.length, 2);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
}

function inOrder(output: string, texts: readonly string[]): void {
  let from = 0;
  for (const text of texts) {
    const at = output.indexOf(text, from);
    assert.notEqual(at, -1, `${text} not found after character ${from}:\n${output}`);
    from = at + text.length;
  }
}

/** The metrics have counted what the visitors and the upstream saw. */
function assertAgreement(output: string): void {
  const counts = (pattern: RegExp) => (pattern.exec(output) ?? []).slice(1).map(Number);
  const seen = counts(/calls of the app: (\d+) answered, (\d+) failed, (\d+) rejected/);
  const [answered = 0, failed = 0, rejected = 0] = seen;
  assert.deepEqual(counts(/resilience\.execution\.duration +(\d+) success, (\d+) failure, (\d+) rejected/), seen);
  assert.deepEqual(counts(/(\d+) requests reached the upstream: those answered or failed/), [answered + failed]);
  assert.deepEqual(counts(/resilience\.rejections +(\d+) circuit_open/), [rejected]);
  assert.match(output, /resilience\.circuit_breaker\.status +closed/);
}

const CHANGES = [
  'circuit   closed -> open (failure_ratio',
  'circuit   open -> half_open (open_elapsed)',
  'circuit   half_open -> open (probe_failed)',
  'circuit   open -> half_open (open_elapsed)',
  'circuit   half_open -> closed (probes_succeeded)',
  'circuit   closed -> open (failure_ratio',
  'circuit   open -> half_open (open_elapsed)',
  'circuit   half_open -> closed (probes_succeeded)',
];

describe('npm run demo', function () {
  this.timeout(TIME_LIMIT_MS);

  afterEach(() => {
    running?.child.kill('SIGKILL');
    running = undefined;
  });

  it('shows the circuit both ways, health, calls, traces and metrics in plain lines, and ends by itself', async () => {
    const demo = startDemo();
    assert.equal(await demo.ended(), 0, demo.output());
    const output = demo.output();
    inOrder(output, CHANGES);
    inOrder(output, ['health    upstream is unhealthy', 'health    upstream is healthy']);
    assert.match(output, /calls +\d+ answered +\d+ failed +[1-9]\d* rejected/);
    inOrder(output, [
      'Trace of the visit that opened the circuit',
      'SERVER   GET /products/',
      '  INTERNAL resilience.execute default',
      'resilience.circuit_breaker.state_change: closed -> open',
      'Trace of a visit while it is open',
      'SERVER   GET /products/',
      '  INTERNAL resilience.execute default',
      'resilience.call.rejected: circuit_open',
    ]);
    assert.match(output, /^ +CLIENT +GET \/(stock|price)\/\d+ .* ERROR 503$/m);
    assertGone(pidsIn(output));
    assertAgreement(output);
    assert.equal(output.includes('\u001b'), false, 'no colours where there is no terminal');
    for (const line of output.split('\n')) assert.ok(line.length <= 100, line);
  });

  it('exports to the collector it is pointed at, and still tells what happens', async () => {
    const receiver = await OtlpReceiver.start();
    try {
      const demo = startDemo(receiver.env);
      assert.equal(await demo.ended(), 0, demo.output());
      inOrder(demo.output(), [`OTLP to ${receiver.url}`, ...CHANGES, 'What to look for at']);
      const [, traceId] = /closed -> open .* trace ([0-9a-f]{32})/.exec(demo.output()) ?? [];
      const tree = receiver.tree(traceId as string);
      assert.match(tree[0] ?? '', /^SERVER /);
      assert.ok(tree.includes('  INTERNAL resilience.execute default'), tree.join('\n'));
    } finally {
      await receiver.close();
    }
  });

  it('ends cleanly on Ctrl-C, with nothing left running', async () => {
    const demo = startDemo();
    await demo.says(/calls +[1-9]/);
    const pids = pidsIn(demo.output());
    demo.child.kill('SIGINT');
    assert.equal(await demo.ended(), 130);
    assertGone(pids);
  });

  it('says so and fails when a process of it dies', async () => {
    const demo = startDemo();
    await demo.says(/calls +[1-9]/);
    const pids = pidsIn(demo.output());
    process.kill(pids[1] as number, 'SIGKILL');
    assert.equal(await demo.ended(), 1);
    assert.match(demo.output(), /demo: the upstream ended unexpectedly \(SIGKILL\)/);
    assertGone(pids);
  });
});
