import path from 'node:path';
import { Child } from './children.ts';
import type { ClientName, Expectation, Measured, Slice, WorkerReply, WorkerSetup } from './protocol.ts';
import { median, ratios, type Summary, summarise } from './statistics.ts';
import { BARE, type Variant } from './variants.ts';

export interface Contest {
  readonly client: ClientName;
  readonly variants: readonly (Variant & { readonly expect?: Expectation })[];
  readonly concurrencies: readonly number[];
  /** How long the rounds may take together. */
  readonly totalMs: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
  readonly url: string;
  /** Where nobody listens. */
  readonly deadUrl: string;
}

/** Of one variant to another. */
export interface Comparison {
  /** Of the ratios within each round. */
  readonly wallRatio: Summary;
  readonly cpuRatio: Summary;
  /** Least CPU per call in any round to the same of the other: what else the machine does only ever adds. */
  readonly leastCpuRatio: number;
}

/** What one variant came to at one concurrency. */
export interface Standing {
  readonly client: ClientName;
  readonly variant: string;
  readonly concurrency: number;
  readonly rounds: number;
  readonly calls: number;
  readonly wallUs: number;
  readonly cpuUs: number;
  /** Undefined where there is nothing bare to compare with. */
  readonly toBare: Comparison | undefined;
  readonly against: (Comparison & { readonly variant: string }) | undefined;
}

interface Competitor {
  readonly variant: Contest['variants'][number];
  readonly child: Child;
  readonly measured: Map<number, Measured[]>;
}

/** Calls enough to let the compiler settle, if time allows. */
const WARM_UP_CALLS = 5_000;
/** Below this, a median says nothing. */
const MIN_ROUNDS = 3;

/**
 * Measures the variants of one client against each other: each in a process of its own that stays up, one at work at a
 * time, in short slices whose order rotates. So whatever else the machine does hits all alike.
 */
export async function hold(contest: Contest): Promise<Standing[]> {
  const competitors = contest.variants.map((variant) => enter(contest, variant));
  try {
    for (const { child } of competitors) understood(await child.reply());
    const warmUp: Slice = { concurrency: 50, durationMs: contest.warmUpMs, maxCalls: WARM_UP_CALLS };
    for (const { child } of competitors) understood(await child.ask(warmUp));
    const endMs = performance.now() + contest.totalMs;
    for (let round = 0; round < MIN_ROUNDS || performance.now() < endMs; round++) {
      await playRound(contest, competitors, round);
    }
  } finally {
    await Promise.all(competitors.map(({ child }) => child.end()));
  }
  return competitors.flatMap((competitor) =>
    contest.concurrencies.map((concurrency) => standingOf(contest.client, competitor, concurrency, competitors)),
  );
}

function enter({ client, url, deadUrl }: Contest, variant: Contest['variants'][number]): Competitor {
  const expect = variant.expect ?? 'answered';
  const setup: WorkerSetup = { client, wrapper: variant.wrapper, expect, url: expect === 'refused' ? deadUrl : url };
  const child = new Child(path.join(__dirname, 'worker.js'), {
    execArgv: variant.preloads.flatMap((file) => ['--require', file]),
    args: [JSON.stringify(setup)],
    env: variant.env,
  });
  return { variant, child, measured: new Map() };
}

async function playRound(contest: Contest, competitors: readonly Competitor[], round: number): Promise<void> {
  for (const concurrency of contest.concurrencies) {
    for (let turn = 0; turn < competitors.length; turn++) {
      const competitor = competitors[(turn + round) % competitors.length];
      if (competitor === undefined) continue;
      const slice: Slice = { concurrency, durationMs: contest.sliceMs, maxCalls: Number.MAX_SAFE_INTEGER };
      const reply = understood(await competitor.child.ask(slice));
      if (reply.kind !== 'measured') throw new Error('a client process lost its place');
      const list = competitor.measured.get(concurrency) ?? [];
      competitor.measured.set(concurrency, list);
      list.push(reply.measured);
    }
  }
}

function understood(message: unknown): Exclude<WorkerReply, { kind: 'failed' }> {
  const reply = message as WorkerReply;
  if (reply.kind === 'failed') throw new Error(`in a client process: ${reply.error}`);
  return reply;
}

function standingOf(
  client: ClientName,
  { variant, measured }: Competitor,
  concurrency: number,
  competitors: readonly Competitor[],
): Standing {
  const own = measured.get(concurrency) ?? [];
  const to = (name: string | undefined): Comparison | undefined => {
    const other = competitors.find((competitor) => competitor.variant.name === name);
    const theirs = other?.measured.get(concurrency);
    if (theirs === undefined) return undefined;
    const ratio = (of: (measured: Measured) => number) => summarise(ratios(own.map(of), theirs.map(of)));
    const least = (of: readonly Measured[]) => Math.min(...of.map(({ cpuUs }) => cpuUs));
    return {
      wallRatio: ratio(({ wallUs }) => wallUs),
      cpuRatio: ratio(({ cpuUs }) => cpuUs),
      leastCpuRatio: least(own) / least(theirs),
    };
  };
  const against = to(variant.against);
  return {
    client,
    variant: variant.name,
    concurrency,
    rounds: own.length,
    calls: own.reduce((sum, { calls }) => sum + calls, 0),
    wallUs: median(own.map(({ wallUs }) => wallUs)),
    cpuUs: median(own.map(({ cpuUs }) => cpuUs)),
    toBare: variant.name === BARE ? undefined : to(BARE),
    against: against && variant.against !== undefined ? { variant: variant.against, ...against } : undefined,
  };
}
