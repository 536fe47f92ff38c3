import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { WireReport } from './soak/upstream.ts';
import type { SoakReport } from './soak/worker.ts';

const HELP = `npm run soak [-- options]

Mixed clients under the full preset, a rate limit and a fallback chain, against an upstream on this machine that resets,
hangs, delays, truncates, answers early and talks nonsense, while callers give up at random. Exits with 1 if a call did
not settle once, anything leaked or warned, a POST was sent twice, or attempts exceeded their budget.

  --seconds=20   how long (2 to 600), beside a warm-up and about 5 seconds to come to rest
  --sdk          under a running OpenTelemetry SDK that exports nothing
  --json         the report as JSON
  --help         this text
`;

/** Growth of the heap between the halves that is put down to chance. */
const HEAP_TOLERANCE_MIB = 3;

const NO_SDK = { OTEL_SDK_DISABLED: 'true' };
const SDK = {
  OTEL_RESILIENCE_SDK: 'on',
  OTEL_TRACES_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
};

const configOf = (primary: number, backup: number): string => `
policies:
  default:
    preset: standard
    timeout: { attempt: 300ms, total: 1s, idle: 300ms }
    retry: { max_retries: 2, backoff: { base: 5ms, max: 20ms } }
    hedge: { delay: 60ms, max_hedges: 2 }
    admission: { max_rejection: 0.5 }
    bulkhead: { max_concurrent: 10, max_queue: 6, queue_timeout: 100ms, adaptive: { initial: 10 } }
    rate_limiter: { permits: 2000, interval: 1s, max_wait: 100ms }
    circuit_breaker: { consecutive_failures: 12, open: { duration: 200ms, max_duration: 400ms }, half_open: { successes: 1 } }
    fallback:
      endpoints: [ "http://127.0.0.1:${backup}" ]
      cache: { stale_if_error: 10s, max_bytes: 256KiB, max_entry_bytes: 64KiB }
      response: { status: 200, json: { degraded: true } }
rules:
  - { name: soak, match: { url: "http://127.0.0.1:${primary}/*" }, policy: default }
`;

interface Ended {
  readonly report: SoakReport | undefined;
  readonly endedByItself: boolean;
  readonly stderr: string;
}

async function runWorker(url: string, seconds: number, env: Readonly<Record<string, string>>): Promise<Ended> {
  const args = ['--expose-gc', '--require', path.join(__dirname, '../src/register.js')];
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_') && name !== 'NODE_OPTIONS');
  const worker = spawn(process.execPath, [...args, path.join(__dirname, 'soak/worker.js'), url, String(seconds)], {
    env: { ...Object.fromEntries(kept), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  let overdue: NodeJS.Timeout | undefined;
  const limit = setTimeout(() => worker.kill('SIGKILL'), seconds * 1_000 + 60_000);
  worker.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    // The report is the last it does.
    overdue ??= setTimeout(() => worker.kill('SIGKILL'), 5_000);
  });
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(worker, 'close')) as [number | null];
  clearTimeout(limit);
  clearTimeout(overdue);
  const report = stdout.includes('\n') ? (JSON.parse(stdout) as SoakReport) : undefined;
  return { report, endedByItself: code === 0, stderr };
}

/** What went wrong; empty: nothing. */
function faultsOf({ report, endedByItself, stderr }: Ended, wire: WireReport, seconds: number): string[] {
  if (report === undefined) return [`no report: ${stderr}`];
  const faults: string[] = [];
  const check = (fine: boolean, what: string): void => void (fine || faults.push(what));
  const { unsettled, slow, irregular, complaints, executing, queued, handles, heapMiB, calls } = report;
  check(unsettled.length === 0, `never settled: ${unsettled.slice(0, 10).join('; ')}`);
  check(slow.length === 0, `too slow: ${slow.join('; ')}`);
  check(irregular.length === 0, `settled more than once: ${irregular.slice(0, 10).join('; ')}`);
  check(complaints.length === 0, complaints.join('\n'));
  check(stderr === '', `stderr: ${stderr}`);
  check(executing === 0 && queued === 0, `bulkhead: ${executing} executing, ${queued} queued`);
  check(handles.length === 0, `left open: ${handles.join(', ')}`);
  check(endedByItself, 'the process did not end by itself');
  const [first = 0, second = 0] = heapMiB;
  check(second - first < HEAP_TOLERANCE_MIB, `the heap grew from ${first.toFixed(1)} to ${second.toFixed(1)} MiB`);
  check(wire.sentTwice === 0, `${wire.sentTwice} POST requests were sent twice`);
  // What the budget grants: 20 % of the calls, and one a second, with a window of 10 s to spend at the start.
  const further = report.retries + report.fallbacks;
  const granted = 0.2 * calls + seconds + 60;
  check(further <= granted + report.rejections, `${further} further attempts, ${granted.toFixed(0)} granted`);
  check(wire.requests <= calls + granted + report.rejections, `${wire.requests} requests for ${calls} calls`);
  return faults;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      sdk: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const seconds = Number(values.seconds);
  if (!(seconds >= 2 && seconds <= 600)) throw new Error(`--seconds=${values.seconds} is not between 2 and 600`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-soak-'));
  const upstream = fork(path.join(__dirname, 'soak/upstream.js'), { execArgv: [] });
  try {
    const [[primary, backup]] = (await once(upstream, 'message')) as [[number, number]];
    const config = path.join(folder, 'resilience.yaml');
    writeFileSync(config, configOf(primary, backup));
    // That the circuit has opened is no complaint here.
    const env = { OTEL_RESILIENCE_LOG: 'off', OTEL_RESILIENCE_CONFIG_FILE: config, ...(values.sdk ? SDK : NO_SDK) };
    const ended = await runWorker(`http://127.0.0.1:${primary}`, seconds, env);
    upstream.send('report');
    const [wire] = (await once(upstream, 'message')) as [WireReport];
    const faults = faultsOf(ended, wire, seconds);
    const { report } = ended;
    if (values.json) process.stdout.write(`${JSON.stringify({ ...report, wire, faults }, null, 2)}\n`);
    else process.stdout.write(describe(report, wire));
    for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    upstream.disconnect();
    rmSync(folder, { recursive: true });
  }
}

function describe(report: SoakReport | undefined, wire: WireReport): string {
  if (report === undefined) return '';
  const lines = Object.entries(report.outcomes).sort(([a], [b]) => a.localeCompare(b));
  const { calls, retries, fallbacks, rejections, heapMiB } = report;
  return [
    ...lines.map(([outcome, count]) => `${String(count).padStart(7)}  ${outcome}`),
    `${calls} calls, ${wire.requests} requests, ${retries} retries, ${fallbacks} fallbacks to the endpoint, ${rejections} rejections`,
    `heap after each half: ${heapMiB.map((size) => `${size.toFixed(1)} MiB`).join(', ')}`,
    '',
  ].join('\n');
}

void main();
