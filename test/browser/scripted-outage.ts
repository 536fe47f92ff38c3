import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { CallResult, EngineListener, ObservedCall, ResilienceEvent } from '../../src/engine/events.ts';
import { SILENT } from '../../src/engine/events.ts';
import type { CircuitSnapshot, UpstreamSnapshot } from '../../src/engine/snapshot.ts';
import { Admission } from '../../src/status/access-control.ts';
import { EventStream } from '../../src/status/event-stream.ts';
import { loadPage } from '../../src/status/page-asset.ts';
import { PageServer } from '../../src/status/page-server.ts';
import { Recorder } from '../../src/status/recorder.ts';
import { Routes } from '../../src/status/routes.ts';
import type { CircuitState, TransitionReason } from '../../src/strategies/circuit-breaker/transition.ts';

const BEGIN = Date.UTC(2026, 10, 2, 10, 0, 0);
const MINUTES = 5;
export const LONG_NAME = `https://${'inventory-and-availability-'.repeat(4)}service.internal.example:8443`;

interface Phase {
  readonly until: number;
  readonly state: CircuitState;
  readonly reason: TransitionReason;
  /** Share of calls that fail. */
  readonly failing: number;
  readonly latencyMs: number;
}

export interface Script {
  readonly upstream: string;
  readonly policy: string;
  readonly mode: 'enforce' | 'observe';
  readonly perSecond: number;
  readonly phases: readonly Phase[];
  readonly endpoint?: string;
}

const CALM: Phase = { until: 300, state: 'closed', reason: 'probes_succeeded', failing: 0, latencyMs: 40 };
const PROBE = { state: 'half_open', reason: 'open_elapsed', failing: 1, latencyMs: 300 } as const;
const REOPENED = { state: 'open', reason: 'probe_failed', failing: 1, latencyMs: 0 } as const;

/** Had an outage, and is well again. */
const RECOVERED: readonly Phase[] = [
  { ...CALM, until: 70 },
  { ...CALM, until: 90, failing: 0.7, latencyMs: 900 },
  { until: 150, state: 'open', reason: 'failure_ratio', failing: 1, latencyMs: 0 },
  { until: 156, state: 'half_open', reason: 'open_elapsed', failing: 0, latencyMs: 60 },
  { ...CALM, until: 300, failing: 0.01 },
];

/** Is down now, and four probes found it so. */
const DOWN: readonly Phase[] = [
  { ...CALM, until: 60, failing: 0.03, latencyMs: 180 },
  { ...CALM, until: 68, failing: 0.9, latencyMs: 1_900 },
  { until: 78, state: 'open', reason: 'consecutive_failures', failing: 1, latencyMs: 0 },
  { ...PROBE, until: 79 },
  { ...REOPENED, until: 99 },
  { ...PROBE, until: 100 },
  { ...REOPENED, until: 140 },
  { ...PROBE, until: 141 },
  { ...REOPENED, until: 221 },
  { ...PROBE, until: 222 },
  { ...REOPENED, until: 300 },
];

/** Fails now and then, and lately more. */
const AILING: readonly Phase[] = [
  { ...CALM, until: 270, failing: 0.1, latencyMs: 260 },
  { ...CALM, until: 300, failing: 0.62, latencyMs: 1_400 },
];

const SERVICES = 'users inventory search catalog pricing shipping reviews coupons mail ledger'.split(' ');

/** Of so many upstreams, each ninth or so is in trouble, in one of its ways. */
export function scenario(count: number): Script[] {
  const well = Array.from({ length: count }, (_, index): Script => {
    const service = SERVICES[index % SERVICES.length] as string;
    const shard = index < SERVICES.length ? '' : `-${Math.floor(index / SERVICES.length)}`;
    return {
      upstream: `https://${service}${shard}.internal.example`,
      policy: 'default',
      mode: 'enforce',
      perSecond: 2 + ((index * 7) % 23),
      phases: [{ ...CALM, latencyMs: 8 + ((index * 13) % 90) }],
    };
  });
  const troubled: [at: number, script: Partial<Script>][] = [
    [
      0,
      { upstream: 'payments', policy: 'payments', perSecond: 7, phases: DOWN, endpoint: 'backup.payments.example:443' },
    ],
    [1, { policy: 'users', perSecond: 24, phases: RECOVERED }],
    [2, { mode: 'observe', phases: DOWN, perSecond: 4 }],
    [7, { phases: AILING }],
    [12, { phases: DOWN }],
    [40, { phases: DOWN }],
    [77, { phases: AILING }],
    [123, { phases: [...DOWN.slice(0, -2), { ...PROBE, until: 300 }] }],
  ];
  // Not in the order of the alphabet, nor of severity.
  for (const [at, script] of troubled) {
    const index = (at + Math.floor(count / 2)) % count;
    if (at < count) well[index] = { ...(well[index] as Script), ...script };
  }
  return well;
}

function named(names: readonly string[]): Script[] {
  return scenario(names.length).map((script, index) => ({ ...script, upstream: names[index] as string }));
}

class ScriptedUpstream {
  readonly script: Script;
  readonly rejections: Record<string, number> = {};
  readonly retries: Record<string, number> = {};
  readonly fallbacks: Record<string, number> = {};
  readonly #results = { success: 0, failure: 0, rejected: 0, fallback: 0 };
  #outcomes: boolean[] = [];
  #outage: { readonly since: number; rejected: number } | undefined;
  #second = 0;
  state: CircuitState = 'closed';

  constructor(script: Script) {
    this.script = script;
  }

  /** One second of traffic. Evenly spread instead of by chance, so that every run shows the same. */
  second(
    second: number,
    listener: EngineListener,
    told: (event: ResilienceEvent, upstream: ScriptedUpstream) => void,
  ): void {
    const { script } = this;
    const phase = script.phases.find(({ until }) => second < until) ?? CALM;
    if (phase.state !== this.state) {
      const previousState = this.state;
      this.state = phase.state;
      if (phase.state === 'closed') this.#outage = undefined;
      else this.#outage ??= { since: second, rejected: 0 };
      const { state, reason } = phase;
      const failureRatio = reason === 'failure_ratio' ? 0.52 : undefined;
      told(
        { type: 'circuit_state_changed', circuit: script.upstream, state, previousState, reason, failureRatio },
        this,
      );
    }
    this.#second = second;
    const calls = Math.round(script.perSecond * (1 + 0.25 * Math.sin(second / 9) + 0.1 * Math.sin(second * 1.7)));
    for (let call = 0; call < calls; call++) {
      const spread = ((second * 37 + call * 61) % 100) / 100;
      this.#call(phase, spread, listener);
    }
  }

  #call(phase: Phase, spread: number, listener: EngineListener): void {
    const ended = (result: CallResult, durationMs: number): void => {
      const { policy, upstream } = this.script;
      this.#results[result]++;
      listener.callEnded({ policy, upstream, result } as ObservedCall, durationMs);
    };
    const count = (counts: Record<string, number>, name: string): void => {
      counts[name] = (counts[name] ?? 0) + 1;
    };
    if (phase.state === 'open') {
      count(this.rejections, 'circuit_open');
      if (this.#outage !== undefined) this.#outage.rejected++;
      if (this.script.mode === 'observe') return ended('failure', 300);
      if (this.script.endpoint === undefined) return ended('rejected', 0.1);
      count(this.fallbacks, 'endpoint');
      return ended('fallback', 230 + 60 * spread);
    }
    const failed = spread < phase.failing;
    if (failed && spread < 0.2) count(this.retries, spread < 0.1 ? 'status_code' : 'connection_error');
    this.#outcomes = [...this.#outcomes.slice(-99), failed];
    ended(failed ? 'failure' : 'success', phase.latencyMs * (0.6 + spread + (spread > 0.93 ? 2 : 0)));
  }

  snapshot(): UpstreamSnapshot {
    const { script, state, rejections, retries, fallbacks } = this;
    const failures = this.#outcomes.filter(Boolean).length;
    const circuit = (name: string, of: CircuitState, failed: number): CircuitSnapshot => ({
      name,
      state: of,
      failureRatio: failed / 100,
      counted: 100,
      failures: failed,
      retryAfterMs: of === 'open' ? 113_000 : 0,
      sinceMs: 20_000,
      outageMs: of === 'closed' || this.#outage === undefined ? 0 : 1000 * (this.#second - this.#outage.since + 1),
      rejectedInOutage: of === 'closed' ? 0 : (this.#outage?.rejected ?? 0),
    });
    const circuits = [circuit(script.upstream, state, failures)];
    if (script.endpoint !== undefined) circuits.push(circuit(`${script.upstream}/${script.endpoint}`, 'closed', 2));
    return {
      policy: script.policy,
      upstream: script.upstream,
      mode: script.mode,
      circuits,
      errorRatio: this.#outcomes.length === 0 ? undefined : failures / this.#outcomes.length,
      unhealthy: state === 'open' || failures > 50,
      counted: this.#outcomes.length,
      calls: this.#outcomes.length,
      results: { ...this.#results },
      rejections,
      retries,
      hedges: {},
      fallbacks,
      admission: undefined,
      bulkhead:
        script.endpoint === undefined ? undefined : { executing: 3, queued: 0, maxConcurrent: 10, maxQueue: 10 },
      retryBudget: script.policy === 'default' ? undefined : 14,
    };
  }
}

/** A page server with five minutes behind it in which one upstream failed and came back and one fails still. */
export class ScriptedOutage {
  readonly #server: PageServer;
  /** One second more of it. */
  readonly sample: () => void;
  readonly #url: Promise<string>;

  /** The upstreams of a scenario, or as many with these names. */
  constructor(script: readonly Script[] | readonly string[]) {
    const isNames = (given: typeof script): given is readonly string[] => typeof given[0] === 'string';
    const upstreams = (isNames(script) ? named(script) : script).map((each) => new ScriptedUpstream(each));
    let nowMs = 0;
    const resilience = {
      upstreams: () => upstreams.map((upstream) => upstream.snapshot()),
      circuit: () => undefined,
      reset() {},
    };
    const wallClock = (): number => BEGIN + nowMs;
    const recorder = new Recorder({ resilience, intervalMs: 1000, actions: true, now: () => nowMs, wallClock });
    recorder.on = true;
    const listener = recorder.tap(SILENT);
    const told = (event: ResilienceEvent, { script: { policy, upstream, mode } }: ScriptedUpstream): void => {
      const traceId = createHash('md5').update(`${upstream} ${nowMs}`).digest('hex');
      const source = { policy, upstream, mode };
      recorder.changed({ event, ...source, timestamp: wallClock(), traceId, spanId: undefined, requestId: undefined });
    };
    const stream = new EventStream();
    let second = 0;
    this.sample = () => {
      nowMs = 1000 * (second + 1);
      for (const upstream of upstreams) upstream.second(second, listener, told);
      second++;
      stream.send('sample', recorder.sample());
    };
    while (second < 60 * MINUTES) this.sample();
    const admission = new Admission('127.0.0.1', 'token');
    const routes = new Routes({ resilience, recorder, stream, admission, page: loadPage() });
    const opened = new EventEmitter<{ opened: [string]; error: [Error] }>();
    this.#url = once(opened, 'opened').then(([url]) => url as string);
    this.#server = new PageServer({
      address: { host: '127.0.0.1', port: 0 },
      handle: (request, response) => routes.handle(request, response),
      lasts: (socket) => stream.has(socket),
      opened: ({ port }) => opened.emit('opened', `http://127.0.0.1:${port}/`),
      failed: (error) => opened.emit('error', error),
    });
    this.#server.listen();
  }

  url(): Promise<string> {
    return this.#url;
  }

  close(): void {
    this.#server.close();
  }
}
