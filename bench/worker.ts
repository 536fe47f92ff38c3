import path from 'node:path';
import { type Call, callUpstreams, makeCall, wrapCall } from './clients.ts';
import type { Measured, Slice, WorkerReply, WorkerSetup } from './protocol.ts';

/**
 * A client process: the app of one variant. What makes the variant is in the command line and the environment it was
 * started with. It makes calls when told to, and says what they cost.
 */

const setup = JSON.parse(process.argv[2] ?? '{}') as WorkerSetup;
const rejections = new Set(['ERR_RESILIENCE_CIRCUIT_OPEN', 'EOPENBREAKER', 'IsolatedCircuitError']);
const expected = setup.expect === 'refused' ? new Set(['ECONNREFUSED']) : rejections;

void start().then(
  (call) => {
    process.on('message', (slice: Slice) => {
      void measure(call, slice).then((measured) => say({ kind: 'measured', measured }), fail);
    });
    say({ kind: 'ready' });
  },
  (error: unknown) => fail(error),
);
// The driver is gone.
process.on('disconnect', () => process.exit());

async function start(): Promise<Call> {
  const open = setup.expect === 'rejected';
  const bare = await makeCall(setup.client, setup.url);
  if (open && setup.wrapper === undefined) await openOurCircuit(bare);
  if (setup.upstreams !== undefined) await callUpstreams(setup.url, setup.upstreams);
  const call = await wrapCall(bare, setup.wrapper, open);
  return setup.expect === 'answered' ? call : () => call().then(unexpected, expectedError);
}

/** After a call, for there is no circuit before the first. */
async function openOurCircuit(call: Call): Promise<void> {
  await call();
  // Not imported above: in the process of any other variant there is to be nothing of ours.
  const entry = path.join(__dirname, '../../dist/index.js');
  const { getResilience } = require(entry) as typeof import('../src/index.ts');
  getResilience().circuit(new URL(setup.url).origin)?.forceOpen();
}

function unexpected(): never {
  throw new Error(`the call was answered, but should have been ${setup.expect}`);
}

function expectedError(error: unknown): void {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as Error & { code?: string };
    if (expected.has(code ?? '') || expected.has(current.constructor.name)) return;
  }
  throw error;
}

async function measure(call: Call, { concurrency, durationMs, each = false }: Slice): Promise<Measured> {
  // Connections may have been closed since the last slice; opening them is not what is measured.
  await Promise.all(Array.from({ length: concurrency }, () => call()));
  const cpu = process.cpuUsage();
  const beginMs = performance.now();
  const endMs = beginMs + durationMs;
  const eachUs: number[] = [];
  let calls = 0;
  const loop = async (): Promise<void> => {
    do {
      const startMs = each ? performance.now() : 0;
      await call();
      if (each) eachUs.push((performance.now() - startMs) * 1000);
      calls++;
    } while (performance.now() < endMs);
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const wallMs = performance.now() - beginMs;
  const { user, system } = process.cpuUsage(cpu);
  return { calls, wallUs: (wallMs * 1000) / calls, cpuUs: (user + system) / calls, eachUs };
}

function say(reply: WorkerReply): void {
  if (process.connected) process.send?.(reply);
}

function fail(error: unknown): void {
  say({ kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
