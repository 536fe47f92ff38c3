import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { EngineListener, ObservedCall, ResilienceEvent } from '../../src/engine/events.ts';
import { SILENT } from '../../src/engine/events.ts';
import type { CircuitSnapshot, UpstreamSnapshot } from '../../src/engine/snapshot.ts';
import { Admission } from '../../src/status/access-control.ts';
import { EventStream } from '../../src/status/event-stream.ts';
import { loadPage } from '../../src/status/page-asset.ts';
import { PageServer } from '../../src/status/page-server.ts';
import { Recorder } from '../../src/status/recorder.ts';
import { Routes } from '../../src/status/routes.ts';
import type { CircuitState, TransitionReason } from '../../src/strategies/circuit-breaker/transition.ts';
import { NO_OUTAGE, NO_RESULTS } from '../support/snapshots.ts';

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

interface Script {
  readonly upstream: string;
  readonly policy: string;
  readonly perSecond: number;
  readonly phases: readonly Phase[];
  readonly endpoint?: string;
}

const CALM: Phase = { until: 300, state: 'closed', reason: 'probes_succeeded', failing: 0, latencyMs: 40 };

function scripts(names: readonly string[]): Script[] {
  const [users, payments, inventory] = names as [string, string, string];
  return [
    {
      upstream: users,
      policy: 'users',
      perSecond: 24,
      phases: [
        { ...CALM, until: 70 },
        { ...CALM, until: 90, failing: 0.7, latencyMs: 900 },
        { until: 150, state: 'open', reason: 'failure_ratio', failing: 1, latencyMs: 0 },
        { until: 156, state: 'half_open', reason: 'open_elapsed', failing: 0, latencyMs: 60 },
        { ...CALM, until: 300, failing: 0.01 },
      ],
    },
    {
      upstream: payments,
      policy: 'payments',
      perSecond: 6,
      endpoint: 'backup.payments.example:443',
      phases: [
        { ...CALM, until: 255, failing: 0.03, latencyMs: 180 },
        { ...CALM, until: 270, failing: 0.9, latencyMs: 1_900 },
        { until: 300, state: 'open', reason: 'consecutive_failures', failing: 1, latencyMs: 0 },
      ],
    },
    { upstream: inventory, policy: 'default', perSecond: 2, phases: [{ ...CALM, latencyMs: 8 }] },
  ];
}

class ScriptedUpstream {
  readonly script: Script;
  readonly rejections: Record<string, number> = {};
  readonly retries: Record<string, number> = {};
  readonly fallbacks: Record<string, number> = {};
  #outcomes: boolean[] = [];
  state: CircuitState = 'closed';

  constructor(script: Script) {
    this.script = script;
  }

  /** One second of traffic. Evenly spread instead of by chance, so that every run shows the same. */
  second(second: number, listener: EngineListener, told: (event: ResilienceEvent, upstream: ScriptedUpstream) => void) {
    const { script } = this;
    const phase = script.phases.find(({ until }) => second < until) ?? CALM;
    if (phase.state !== this.state) {
      const previousState = this.state;
      this.state = phase.state;
      const { state, reason } = phase;
      const failureRatio = reason === 'failure_ratio' ? 0.52 : undefined;
      told(
        { type: 'circuit_state_changed', circuit: script.upstream, state, previousState, reason, failureRatio },
        this,
      );
    }
    const calls = Math.round(script.perSecond * (1 + 0.25 * Math.sin(second / 9) + 0.1 * Math.sin(second * 1.7)));
    for (let call = 0; call < calls; call++) {
      const spread = ((second * 37 + call * 61) % 100) / 100;
      this.#call(phase, spread, listener);
    }
  }

  #call(phase: Phase, spread: number, listener: EngineListener): void {
    const ended = (result: ObservedCall['result'], durationMs: number): void => {
      const { policy, upstream } = this.script;
      listener.callEnded({ policy, upstream, result } as ObservedCall, durationMs);
    };
    const count = (counts: Record<string, number>, name: string): void => {
      counts[name] = (counts[name] ?? 0) + 1;
    };
    if (phase.state === 'open') {
      count(this.rejections, 'circuit_open');
      if (this.script.endpoint === undefined) return ended('rejected', 0.1);
      count(this.fallbacks, 'endpoint');
      return ended('fallback', 230 + 60 * spread);
    }
    const failed = spread < phase.failing;
    if (failed && spread < 0.2) count(this.retries, spread < 0.1 ? '503' : 'ECONNRESET');
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
      retryAfterMs: of === 'open' ? 8_200 : 0,
      ...NO_OUTAGE,
    });
    const circuits = [circuit(script.upstream, state, failures)];
    if (script.endpoint !== undefined) circuits.push(circuit(`${script.upstream}/${script.endpoint}`, 'closed', 2));
    return {
      policy: script.policy,
      upstream: script.upstream,
      mode: script.policy === 'default' ? 'observe' : 'enforce',
      circuits,
      errorRatio: this.#outcomes.length === 0 ? undefined : failures / this.#outcomes.length,
      unhealthy: failures > 50,
      calls: this.#outcomes.length,
      results: NO_RESULTS,
      rejections,
      retries,
      fallbacks,
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

  constructor(names: readonly string[] = ['https://users.api.example', 'payments', 'http://inventory.internal:8080']) {
    const upstreams = names.length === 0 ? [] : scripts(names).map((script) => new ScriptedUpstream(script));
    let nowMs = 0;
    const resilience = { upstreams: () => upstreams.map((upstream) => upstream.snapshot()), circuit: () => undefined };
    const wallClock = (): number => BEGIN + nowMs;
    const recorder = new Recorder({ resilience, intervalMs: 1000, actions: true, now: () => nowMs, wallClock });
    recorder.on = true;
    const listener = recorder.bodyObserver(SILENT);
    const told = (event: ResilienceEvent, { script: { policy, upstream } }: ScriptedUpstream): void => {
      const traceId = createHash('md5').update(`${upstream} ${nowMs}`).digest('hex');
      const source = { policy, upstream, mode: 'enforce' } as const;
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
