import { threadId } from 'node:worker_threads';
import type { EngineListener, EventSource, ObservedCall } from '../engine/events.ts';
import type { UpstreamSnapshot } from '../engine/snapshot.ts';
import type { Resilience } from '../resilience.ts';
import type { EventMessage } from '../telemetry/event-channel.ts';
import { PACKAGE_VERSION } from '../version.ts';
import {
  type Change,
  DOCUMENT_VERSION,
  type ProcessFacts,
  type SampleDocument,
  type StatusDocument,
  type UpstreamNow,
} from './document.ts';
import { SampleTimes } from './history.ts';
import { roundRatio, UpstreamRecord } from './upstream-record.ts';

/** How many upstreams are kept. */
const MAX_UPSTREAMS = 200;
/** How many changes of state are kept. */
const MAX_CHANGES = 200;

export interface RecorderOptions {
  readonly resilience: Resilience;
  readonly intervalMs: number;
  readonly actions: boolean;
  /** Milliseconds of a monotonic clock, and since the epoch. */
  readonly now: () => number;
  readonly wallClock: () => number;
}

/** Remembers the last minutes of every upstream, in bounded memory. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #process: ProcessFacts;
  readonly #times = new SampleTimes();
  /** By policy, then upstream: found without making a key of the two on every call. */
  readonly #records = new Map<string, Map<string, UpstreamRecord>>();
  readonly #changes: Change[] = [];
  #kept = 0;
  #lastChange = 0;
  #sampledMs: number;
  /** False while no page is served, as when another process has the port: then nothing is kept. */
  on = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#sampledMs = options.now();
    const startedAt = Math.round(options.wallClock() - process.uptime() * 1000);
    const { pid, version } = process;
    this.#process = { pid, threadId, node: version, packageVersion: PACKAGE_VERSION, startedAt };
  }

  /** Passes everything on to `inner`, and notes how calls end. */
  tap(inner: EngineListener): EngineListener {
    return {
      callStarted: (call) => inner.callStarted(call),
      event: (event, source, call) => inner.event(event, source, call),
      attempt: (call, number, send) => inner.attempt(call, number, send),
      callEnded: (call, durationMs) => {
        inner.callEnded(call, durationMs);
        if (this.on) this.#callEnded(call, durationMs);
      },
    };
  }

  /** What became of an event, if it is a change of state: those that happen to single calls show in the counts. */
  changed(message: EventMessage): Change | undefined {
    const described = describeChange(message);
    if (described === undefined) return undefined;
    const change: Change = {
      id: ++this.#lastChange,
      at: message.timestamp,
      ...described,
      policy: message.policy,
      upstream: message.upstream,
      mode: message.mode,
      traceId: message.traceId ?? null,
      spanId: message.spanId ?? null,
      requestId: message.requestId ?? null,
    };
    this.#changes.push(change);
    if (this.#changes.length > MAX_CHANGES) this.#changes.shift();
    return change;
  }

  /** Takes a point of every upstream, and forgets those that the engine has forgotten. */
  sample(): SampleDocument {
    const nowMs = this.#options.now();
    const at = this.#options.wallClock();
    const elapsedMs = nowMs - this.#sampledMs;
    this.#sampledMs = nowMs;
    const snapshots = this.#options.resilience.upstreams();
    this.#forgetOthers(snapshots);
    const slot = this.#times.next(at);
    const upstreams = this.#describe(snapshots, nowMs, (now, record) => {
      const point = record.point(now, elapsedMs);
      record.history.set(slot, point);
      return { ...now, point };
    });
    return { at, upstreams, omittedUpstreams: snapshots.length - upstreams.length };
  }

  document(): StatusDocument {
    const snapshots = this.#options.resilience.upstreams();
    const upstreams = this.#describe(snapshots, this.#options.now(), (now, record) => ({
      ...now,
      history: record.history.read(this.#times),
    }));
    return {
      version: DOCUMENT_VERSION,
      process: this.#process,
      at: this.#options.wallClock(),
      intervalMs: this.#options.intervalMs,
      actions: this.#options.actions,
      sampledAt: this.#times.list(),
      upstreams,
      omittedUpstreams: snapshots.length - upstreams.length,
      changes: [...this.#changes],
    };
  }

  #describe<T>(
    snapshots: readonly UpstreamSnapshot[],
    nowMs: number,
    describe: (now: UpstreamNow, record: UpstreamRecord) => T,
  ): T[] {
    return snapshots.flatMap((snapshot) => {
      const record = this.#recordOf(snapshot);
      return record === undefined ? [] : [describe(record.describe(snapshot, nowMs), record)];
    });
  }

  #callEnded(call: ObservedCall, durationMs: number): void {
    if (call.result !== undefined) this.#recordOf(call)?.callEnded(call.result, durationMs);
  }

  #recordOf({ policy, upstream }: Pick<EventSource, 'policy' | 'upstream'>): UpstreamRecord | undefined {
    let ofPolicy = this.#records.get(policy);
    const known = ofPolicy?.get(upstream);
    if (known !== undefined || this.#kept >= MAX_UPSTREAMS) return known;
    if (ofPolicy === undefined) {
      ofPolicy = new Map();
      this.#records.set(policy, ofPolicy);
    }
    const record = new UpstreamRecord(this.#options.now());
    ofPolicy.set(upstream, record);
    this.#kept++;
    return record;
  }

  #forgetOthers(snapshots: readonly UpstreamSnapshot[]): void {
    const present = new Map<string, Set<string>>();
    for (const { policy, upstream } of snapshots) {
      present.set(policy, (present.get(policy) ?? new Set()).add(upstream));
    }
    for (const [policy, records] of this.#records) {
      for (const upstream of records.keys()) {
        if (present.get(policy)?.has(upstream) === true) continue;
        records.delete(upstream);
        this.#kept--;
      }
      if (records.size === 0) this.#records.delete(policy);
    }
  }
}

type Described = Pick<Change, 'type' | 'name' | 'state' | 'previousState' | 'reason' | 'ratio'>;

function describeChange({ event, upstream }: EventMessage): Described | undefined {
  if (event.type === 'circuit_state_changed') {
    const { circuit: name, state, previousState, reason } = event;
    return { type: 'circuit', name, state, previousState, reason, ratio: roundRatio(event.failureRatio) };
  }
  if (event.type !== 'health_changed') return undefined;
  const { state } = event;
  const previousState = state === 'healthy' ? 'unhealthy' : 'healthy';
  return {
    type: 'health',
    name: upstream,
    state,
    previousState,
    reason: 'error_ratio',
    ratio: roundRatio(event.errorRatio),
  };
}
