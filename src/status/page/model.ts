import {
  type Change,
  COLUMNS,
  type Column,
  type History,
  type SampleDocument,
  type StatusDocument,
  type UpstreamNow,
} from '../document.ts';

const MAX_POINTS = 300;
const MAX_CHANGES = 200;

export interface UpstreamModel {
  readonly key: string;
  now: UpstreamNow;
  readonly history: Record<Column, Array<number | null>>;
}

/** What the page knows: the snapshot it began with and all it was told since. */
export class Model {
  document: StatusDocument | undefined;
  /** Milliseconds since the epoch, by the server's clock. */
  at = 0;
  sampledAt: number[] = [];
  omitted = 0;
  /** Newest first. */
  changes: Change[] = [];
  readonly upstreams = new Map<string, UpstreamModel>();

  snapshot(document: StatusDocument): void {
    this.document = document;
    this.at = document.at;
    this.sampledAt = [...document.sampledAt];
    this.omitted = document.omittedUpstreams;
    this.changes = document.changes.toReversed();
    this.upstreams.clear();
    for (const { history, ...now } of document.upstreams) this.#add(now, history);
  }

  sample({ at, upstreams, omittedUpstreams }: SampleDocument): void {
    const elapsedMs = at - this.at;
    this.at = at;
    this.omitted = omittedUpstreams;
    this.sampledAt.push(at);
    const present = new Set<string>();
    for (const { point, ...sampled } of upstreams) {
      const upstream = this.upstreams.get(keyOf(sampled)) ?? this.#add(sampled, undefined);
      const now = steadied(sampled, upstream.now, elapsedMs);
      present.add(upstream.key);
      upstream.now = now;
      for (const column of COLUMNS) upstream.history[column].push(point[column]);
    }
    for (const key of this.upstreams.keys()) if (!present.has(key)) this.upstreams.delete(key);
    if (this.sampledAt.length <= MAX_POINTS) return;
    this.sampledAt.shift();
    for (const { history } of this.upstreams.values()) for (const column of COLUMNS) history[column].shift();
  }

  change(change: Change): void {
    this.changes.unshift(change);
    this.changes.length = Math.min(this.changes.length, MAX_CHANGES);
    const upstream = this.upstreams.get(keyOf(change));
    if (upstream === undefined) return;
    upstream.now = applied(upstream.now, change);
  }

  /** A history as long as the times, whatever of it is known. */
  #add(now: UpstreamNow, history: History | undefined): UpstreamModel {
    const length = history === undefined ? this.sampledAt.length - 1 : this.sampledAt.length;
    const columns = COLUMNS.map((column) => [column, history ? [...history[column]] : new Array(length).fill(null)]);
    const upstream: UpstreamModel = { key: keyOf(now), now, history: Object.fromEntries(columns) };
    this.upstreams.set(upstream.key, upstream);
    return upstream;
  }
}

/** A change is shown when it is told, not with the next sample. */
function applied(now: UpstreamNow, change: Change): UpstreamNow {
  if (change.type === 'health') return { ...now, unhealthy: change.state === 'unhealthy' };
  const circuits = now.circuits.map((circuit) =>
    circuit.name === change.name
      ? { ...circuit, state: change.state as typeof circuit.state, retryAfterMs: 0, sinceMs: 0 }
      : circuit,
  );
  return { ...now, circuits };
}

/** Two clocks may differ by some milliseconds: "since 11:04:17" stays that as long as it is the same outage. */
function steadied(now: UpstreamNow, before: UpstreamNow, elapsedMs: number): UpstreamNow {
  const circuits = now.circuits.map((circuit) => {
    const known = before.circuits.find(({ name }) => name === circuit.name)?.outageMs ?? 0;
    const expected = known + elapsedMs;
    const same = known > 0 && circuit.outageMs > 0 && Math.abs(circuit.outageMs - expected) < 500;
    return same ? { ...circuit, outageMs: expected } : circuit;
  });
  return { ...now, circuits };
}

function keyOf({ policy, upstream }: { readonly policy: string; readonly upstream: string }): string {
  return `${policy}\n${upstream}`;
}
