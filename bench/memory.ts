import { systemClock } from '../src/common/clock.ts';
import { createRules } from '../src/config/rules.ts';
import { Engine } from '../src/engine/engine.ts';
import { SILENT } from '../src/engine/events.ts';
import type { Exchange } from '../src/engine/exchange.ts';
import { DEFAULT_POLICY } from '../src/strategies/shared/policy.ts';

/** Run as a process of its own, with --expose-gc: prints how many bytes of heap one upstream takes. */

const UPSTREAMS = 1_000;

function heapUsed(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const rules = createRules({ mode: 'enforce', maxUpstreams: UPSTREAMS, rules: [], defaultPolicy: DEFAULT_POLICY });
const engine = new Engine({ clock: systemClock, random: Math.random, listener: SILENT, rules });

function callEach(prefix: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const host = `${prefix}${i}.test`;
    const pipeline = engine.route('http:', host, 80, 'GET', '/');
    if (pipeline === undefined) throw new Error('no pipeline');
    const execution = engine.open(pipeline, {
      protocol: 'http:',
      host,
      port: 80,
      method: 'GET',
      path: '/',
    } as Exchange);
    const attempt = execution.begin();
    if (attempt === undefined) throw new Error('refused');
    execution.onHead(attempt, { status: 200, header: () => undefined } as never);
    execution.onBodyEnd();
  }
}

callEach('warm', 10);
const before = heapUsed();
callEach('host', UPSTREAMS - 10);
const bytes = (heapUsed() - before) / (UPSTREAMS - 10);
if (engine.snapshots().length !== UPSTREAMS) throw new Error('upstreams were forgotten');
process.stdout.write(String(Math.round(bytes)));
