import path from 'node:path';
import { Child } from './children.ts';
import type { ClientName, Expectation, Measured, WorkerReply, WorkerSetup } from './protocol.ts';
import { median, ratios, type Summary, summarise } from './statistics.ts';
import { BARE, type Variant } from './variants.ts';

export interface Contest {
  readonly client: ClientName;
  readonly variants: readonly (Variant & { readonly expect?: Expectation })[];
  readonly concurrencies: readonly number[];
  readonly rounds: number;
  readonly sliceMs: number;
  readonly url: string;
  /** Where nobody listens. */
  readonly deadUrl: string;
}

/** What one variant came to at one concurrency. */
export interface Standing {
  readonly client: ClientName;
  readonly variant: string;
  readonly concurrency: number;
  readonly calls: number;
  readonly wallUs: number;
  readonly cpuUs: number;
  /** Medians of the ratios within each round; undefined without a bare variant to compare with. */
  readonly wallRatio: Summary | undefined;
  readonly cpuRatio: Summary | undefined;
  readonly against: { readonly variant: string; readonly wallRatio: Summary; readonly cpuRatio: Summary } | undefined;
}

interface Competitor {
  readonly variant: Contest['variants'][number];
  readonly child: Child;
  readonly measured: Map<number, Measured[]>;
}

/**
 * Measures the variants of one client against each other: each in a process of its own that stays up, one at work at a
 * time, in short slices whose order rotates. So whatever else the machine does hits all alike.
 */
export async function hold(contest: Contest): Promise<Standing[]> {
  const competitors = contest.variants.map((variant) => enter(contest, variant));
  try {
    for (const { child } of competitors) understood(await child.reply());
    // Warm-up: two unmeasured rounds let the compiler settle.
    for (let round = -2; round < contest.rounds; round++) await playRound(contest, competitors, round);
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
      const competitor = competitors[(turn + Math.max(round, 0)) % competitors.length];
      if (competitor === undefined) continue;
      const reply = understood(await competitor.child.ask({ concurrency, durationMs: contest.sliceMs }));
      if (reply.kind !== 'measured') throw new Error('a client process lost its place');
      if (round < 0) continue;
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
  const to = (name: string | undefined) => {
    const other = competitors.find((competitor) => competitor.variant.name === name);
    const theirs = other?.measured.get(concurrency);
    if (theirs === undefined) return undefined;
    const ratio = (of: (measured: Measured) => number) => summarise(ratios(own.map(of), theirs.map(of)));
    return { wallRatio: ratio(({ wallUs }) => wallUs), cpuRatio: ratio(({ cpuUs }) => cpuUs) };
  };
  const bare = to(BARE);
  const against = to(variant.against);
  return {
    client,
    variant: variant.name,
    concurrency,
    calls: own.reduce((sum, { calls }) => sum + calls, 0),
    wallUs: median(own.map(({ wallUs }) => wallUs)),
    cpuUs: median(own.map(({ cpuUs }) => cpuUs)),
    wallRatio: bare?.wallRatio,
    cpuRatio: bare?.cpuRatio,
    against: against && variant.against !== undefined ? { variant: variant.against, ...against } : undefined,
  };
}
