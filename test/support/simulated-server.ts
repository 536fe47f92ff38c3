/** Numbers from 0 (inclusive) to 1 (exclusive), the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface ServerModel {
  workers: number;
  serviceMs: number;
  /** How times of service vary: not at all, evenly between half and one and a half, or exponentially. */
  readonly spread: 'none' | 'even' | 'exponential';
}

/** What the client's side does: admits, and hears how long each head took. */
export interface Admitting {
  admits(inFlight: number, nowMs: number): boolean;
  responded(headMs: number, inFlight: number, nowMs: number): void;
}

export interface Arrival {
  readonly atMs: number;
  readonly headMs: number;
}

interface Job {
  readonly atMs: number;
  readonly inFlight: number;
  endMs: number;
}

/**
 * A server of some workers with one queue before them, and clients that ask at random, `load` times as often as it can
 * serve at the start. Runs in its own time. Returns the answers, in order; `tick` is called at every event.
 */
export function simulate(
  server: ServerModel,
  client: Admitting,
  run: {
    readonly load: number;
    readonly durationMs: number;
    readonly seed: number;
    readonly tick?: (nowMs: number) => void;
  },
): Arrival[] {
  const random = seededRandom(run.seed);
  const exponential = (meanMs: number): number => -Math.log(1 - random()) * meanMs;
  const service = (): number => {
    if (server.spread === 'none') return server.serviceMs;
    return server.spread === 'even' ? server.serviceMs * (0.5 + random()) : exponential(server.serviceMs);
  };
  const everyMs = server.serviceMs / (server.workers * run.load);
  const running: Job[] = [];
  const waiting: Job[] = [];
  const answered: Arrival[] = [];
  let inFlight = 0;
  let nowMs = 0;
  let nextMs = exponential(everyMs);
  const start = (job: Job): void => {
    job.endMs = nowMs + service();
    running.push(job);
  };
  while (nowMs < run.durationMs) {
    const first = running.reduce<Job | undefined>((a, b) => (a === undefined || b.endMs < a.endMs ? b : a), undefined);
    if (first !== undefined && first.endMs <= nextMs) {
      nowMs = first.endMs;
      running.splice(running.indexOf(first), 1);
      inFlight--;
      answered.push({ atMs: nowMs, headMs: nowMs - first.atMs });
      client.responded(nowMs - first.atMs, first.inFlight, nowMs);
    } else {
      nowMs = nextMs;
      nextMs += exponential(everyMs);
      if (client.admits(inFlight, nowMs)) {
        inFlight++;
        const job = { atMs: nowMs, inFlight, endMs: 0 };
        if (running.length < server.workers) start(job);
        else waiting.push(job);
      }
    }
    while (running.length < server.workers && waiting.length > 0) start(waiting.shift() as Job);
    run.tick?.(nowMs);
  }
  return answered;
}

/** The value below which a share of the heads lies. */
export function quantile(answers: readonly Arrival[], share: number): number {
  const sorted = answers.map(({ headMs }) => headMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
