import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { Child, endChildrenWithUs, outputOf } from './children.ts';
import { type Contest, hold } from './contest.ts';
import { type BenchOptions, HELP, readOptions } from './options.ts';
import type { ClientName } from './protocol.ts';
import { describe, type Results, thisMachine } from './report.ts';
import { measureStartUp } from './start-up.ts';
import { REJECTIONS, VARIANTS } from './variants.ts';

const CLIENTS: readonly ClientName[] = ['http', 'fetch', 'undici'];
const CONCURRENCIES = [1, 50];

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  endChildrenWithUs();
  const results: Results = {
    machine: thisMachine(),
    standings: [],
    rejections: [],
    decisions: [],
    startUp: undefined,
    bytesPerUpstream: undefined,
  };
  const { only } = options;
  await measureCalls(options, results);
  if (only.includes('decision')) {
    say('decision');
    const output = await outputOf([], path.join(__dirname, 'decision.js'), [String(options.decisionMs)]);
    results.decisions = JSON.parse(output) as Results['decisions'];
  }
  if (only.includes('start-up')) {
    say('start-up');
    results.startUp = await measureStartUp(options.startUpRuns);
  }
  if (only.includes('memory')) {
    say('memory');
    results.bytesPerUpstream = Number(await outputOf(['--expose-gc'], path.join(__dirname, 'memory.js')));
  }
  process.stdout.write(options.json ? `${JSON.stringify(results, undefined, 2)}\n` : describe(results));
}

async function measureCalls(options: BenchOptions, results: Results): Promise<void> {
  const { only, sliceMs, warmUpMs } = options;
  const clients = CLIENTS.filter((client) => only.includes(client));
  if (clients.length === 0 && !only.includes('rejection')) return;
  const server = new Child(path.join(__dirname, 'server.js'), {});
  try {
    const url = `http://127.0.0.1:${await server.reply()}/`;
    const deadUrl = `http://127.0.0.1:${await unusedPort()}/`;
    const base = { url, deadUrl, sliceMs, warmUpMs };
    for (const client of clients) {
      say(client);
      const variants = VARIANTS.filter((variant) => variant.clients.includes(client));
      const totalMs = options.callsMs * shareOf(client);
      const contest: Contest = { ...base, client, variants, concurrencies: CONCURRENCIES, totalMs };
      results.standings.push(...(await hold(contest)));
    }
    if (!only.includes('rejection')) return;
    for (const client of CLIENTS) {
      say(`rejection, ${client}`);
      const variants = REJECTIONS.filter((variant) => variant.clients.includes(client));
      const contest = { ...base, client, variants, concurrencies: [1], totalMs: options.rejectionMs };
      results.rejections.push(...(await hold(contest)));
    }
  } finally {
    await server.end();
  }
}

/** Of the time for all clients, by their numbers of variants, whichever clients are asked for. */
function shareOf(client: ClientName): number {
  const entries = VARIANTS.flatMap(({ clients }) => clients);
  return entries.filter((entry) => entry === client).length / entries.length;
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
  if (process.stderr.isTTY) process.stderr.write(`… ${section}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  process.exitCode = 1;
});
