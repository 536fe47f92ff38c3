import { systemClock } from '../src/common/clock.ts';
import { createRules, DEFAULT_MAX_UPSTREAMS } from '../src/config/rules.ts';
import { Engine } from '../src/engine/engine.ts';
import { type EngineListener, SILENT } from '../src/engine/events.ts';
import type { Exchange } from '../src/engine/exchange.ts';
import type { ResponseHead } from '../src/strategies/shared/contract.ts';
import { DEFAULT_POLICY } from '../src/strategies/shared/policy.ts';
import { DeferredListener } from '../src/telemetry/deferred-listener.ts';
import { bypass } from '../src/telemetry/suppression.ts';

/** Run as a process of its own: prints, as JSON, what deciding costs without a client or a network. */

/** Far more than one reading of the clock takes, so that tinybench's own readings vanish in it. */
const BATCH = 1_000;

const exchange: Exchange = {
  protocol: 'http:',
  host: '127.0.0.1',
  port: 8080,
  method: 'GET',
  path: '/',
  header: () => undefined,
  headers: () => [],
  credentials: () => undefined,
  hasContent: () => false,
  whenFinal: () => undefined,
  pinned: () => false,
  sentHeader: () => undefined,
  replayable: () => true,
  send() {},
  cancel() {},
  fail() {},
  respond() {},
  release() {},
  hedgeable: () => false,
  hedge() {},
  awaitsReader: () => false,
  killBody() {},
} as Exchange;
const head: ResponseHead = { status: 200, header: () => undefined, entries: () => [] };

function engineWith(listener: EngineListener): Engine {
  const rules = createRules({
    mode: 'enforce',
    maxUpstreams: DEFAULT_MAX_UPSTREAMS,
    rules: [],
    defaultPolicy: DEFAULT_POLICY,
  });
  return new Engine({ clock: systemClock, random: Math.random, listener, rules });
}

/** All that the engine does for a call that is answered: where to, admission, the head, the end of the body. */
function decide(engine: Engine): void {
  const pipeline = engine.route('http:', '127.0.0.1', 8080, 'GET', '/');
  if (pipeline === undefined) throw new Error('no pipeline');
  const execution = engine.open(pipeline, exchange);
  const attempt = execution.begin();
  if (attempt !== undefined) execution.onHead(attempt, head);
  execution.onBodyEnd();
}

function batchOf(operation: () => void): () => void {
  return () => {
    for (let i = 0; i < BATCH; i++) operation();
  };
}

async function main(): Promise<void> {
  const { Bench } = await import('tinybench');
  const bench = new Bench({ time: Number(process.argv[2] ?? 500), warmupTime: 300 });
  const silent = engineWith(SILENT);
  const listener = new DeferredListener({ eventSignal: 'logs/dup', jsonLog: false, snapshots: () => [] });
  const told = engineWith(listener);
  let sum = 0;
  bench
    .add(
      'engine: route, begin, head, end',
      batchOf(() => decide(silent)),
    )
    .add(
      'the same, telemetry listening without an SDK',
      batchOf(() => {
        if (!bypass()) decide(told);
      }),
    )
    .add(
      'of these: three readings of the clock',
      batchOf(() => {
        for (let i = 0; i < 3; i++) sum += systemClock.now();
      }),
    );
  await bench.run();
  const results = bench.tasks.map(({ name, result }) => {
    if (!('latency' in result)) throw new Error(`${name} did not run`);
    const ns = (ms: number) => (ms * 1e6) / BATCH;
    return { name, ns: ns(result.latency.p50), leastNs: ns(result.latency.min) };
  });
  if (Number.isNaN(sum)) throw new Error('the clock is broken');
  process.stdout.write(JSON.stringify(results));
}

void main();
