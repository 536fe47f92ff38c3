import { setTimeout as sleep } from 'node:timers/promises';
import { getResilience } from '../../src/index.ts';
import { type CallPlan, type Client, irregular, makeClients, underWay } from './clients.ts';

/** The app of the soak: run under `--require register`. Says how it went, and ends by itself. */

const CALLERS = 24;
/** The total time is 1 s, a body that stalls is cut after 300 ms; the rest is for a machine that is busy otherwise. */
const SLOW_CALL_MS = 10_000;
/** What has not come to an end by then never will. */
const LONGEST_CALL_MS = 15_000;

export interface SoakReport {
  readonly calls: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Calls that never came to an end. */
  readonly unsettled: readonly string[];
  /** Calls that took longer than their time limits allow. */
  readonly slow: readonly string[];
  readonly irregular: readonly string[];
  readonly complaints: readonly string[];
  readonly executing: number;
  readonly queued: number;
  readonly retries: number;
  readonly fallbacks: number;
  readonly rejections: number;
  /** MiB of heap in use after the first and the second half. */
  readonly heapMiB: readonly number[];
  readonly handles: readonly string[];
}

const outcomes: Record<string, number> = {};
const complaints: string[] = [];
const slow: string[] = [];
const pending = new Map<string, CallPlan>();
let calls = 0;

const complain = (kind: string) => (error: unknown) => {
  if (complaints.length < 20) complaints.push(`${kind}: ${error instanceof Error ? error.stack : String(error)}`);
};
process.on('warning', complain('warning'));
process.on('unhandledRejection', complain('unhandled rejection'));
process.on('uncaughtException', complain('uncaught exception'));

/** Up to eight places, in order. */
function cutsOf(size: number): number[] {
  const cuts = Array.from({ length: Math.floor(Math.random() * 8) }, () => Math.floor(Math.random() * size));
  return cuts.sort((a, b) => a - b);
}

function plan(url: string): Omit<CallPlan, 'id'> {
  const posts = Math.random() < 0.25;
  const size = Math.random() < 0.1 ? 200_000 : 1_000;
  return {
    url: `${url}/items/${Math.floor(Math.random() * 50)}`,
    body: posts ? 'x'.repeat(size) : undefined,
    cuts: posts && Math.random() < 0.5 ? cutsOf(size) : undefined,
    leaveAfterMs: Math.random() < 0.12 ? Math.random() * 300 : undefined,
    ignoresBody: Math.random() < 0.05,
  };
}

async function callOn(name: string, client: Client, url: string): Promise<void> {
  const id = `${name} #${++calls}`;
  const planned = { ...plan(url), id };
  pending.set(id, planned);
  const startedMs = performance.now();
  const outcome = await client.call(planned);
  const tookMs = performance.now() - startedMs;
  if (tookMs > SLOW_CALL_MS && slow.length < 20) {
    const left = planned.leaveAfterMs === undefined ? '' : `, left after ${Math.round(planned.leaveAfterMs)} ms`;
    slow.push(`${id} took ${Math.round(tookMs)} ms: ${outcome}, ${planned.body?.length ?? 'no'} bytes sent${left}`);
  }
  pending.delete(id);
  const key = `${name}: ${outcome}`;
  outcomes[key] = (outcomes[key] ?? 0) + 1;
}

async function caller(clients: Record<string, Client>, url: string, untilMs: number): Promise<void> {
  const names = Object.keys(clients);
  while (performance.now() < untilMs) {
    const name = names[Math.floor(Math.random() * names.length)] as string;
    await callOn(name, clients[name] as Client, url);
    await sleep(Math.random() * 10);
  }
}

async function run(clients: Record<string, Client>, url: string, ms: number): Promise<number> {
  const untilMs = performance.now() + ms;
  const callers = Promise.all(Array.from({ length: CALLERS }, () => caller(clients, url, untilMs)));
  await Promise.race([callers, sleep(ms + LONGEST_CALL_MS, undefined, { ref: false })]);
  // For what ends a little after its call: drained responses, aborts to come.
  await sleep(1_500);
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await sleep(50);
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function main(url: string, seconds: number): Promise<void> {
  const clients = await makeClients();
  await run(clients, url, Math.min(3_000, 250 * seconds));
  const heapMiB = [await run(clients, url, 500 * seconds), await run(clients, url, 500 * seconds)];
  await Promise.all(Object.values(clients).map((client) => client.close()));
  const dispatcher = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1')) as { destroy(): unknown };
  await dispatcher.destroy();
  await sleep(500);
  const upstreams = getResilience().upstreams();
  const total = (of: (upstream: (typeof upstreams)[number]) => number): number =>
    upstreams.reduce((sum, upstream) => sum + of(upstream), 0);
  const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
  const report: SoakReport = {
    calls,
    outcomes,
    unsettled: Array.from(pending, ([id, { body, leaveAfterMs, ignoresBody }]) => {
      const seen = underWay.get(id)?.join(', ') ?? '';
      return `${id}: ${seen} (${JSON.stringify({ bytes: body?.length, leaveAfterMs, ignoresBody })})`;
    }),
    slow,
    irregular,
    complaints,
    executing: total(({ bulkhead }) => bulkhead?.executing ?? 0),
    queued: total(({ bulkhead }) => bulkhead?.queued ?? 0),
    retries: total(({ retries }) => sum(retries)),
    fallbacks: total(({ fallbacks }) => fallbacks.endpoint ?? 0),
    rejections: total(({ rejections }) => sum(rejections)),
    heapMiB,
    handles: process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'Immediate'),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

void main(String(process.argv[2]), Number(process.argv[3]));
