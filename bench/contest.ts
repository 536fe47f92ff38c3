import path from 'node:path';
import { Child } from './children.ts';
import type { ClientName, Expectation, Measured, Slice, WorkerReply, WorkerSetup } from './protocol.ts';
import { type Interval, median, ratioOf, uncertainty, undisturbed } from './statistics.ts';
import { BARE, type Variant } from './variants.ts';

export interface Contest {
  readonly client: ClientName;
  readonly variants: readonly (Variant & { readonly expect?: Expectation })[];
  readonly concurrency: number;
  /** Fewest generations: what the compiler makes of one process differs from the next by a tenth. */
  readonly generations: number;
  /** No generation begins after this. */
  readonly totalMs: number;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
  readonly url: string;
  /** Where nobody listens. */
  readonly deadUrl: string;
  readonly progress?: (generation: number) => void;
}

/** What one variant came to. */
export interface Standing {
  readonly client: ClientName;
  readonly variant: string;
  readonly concurrency: number;
  /** Processes measured. */
  readonly generations: number;
  readonly wallUs: number;
  readonly cpuUs: number;
  /** CPU per call; undefined where there is nothing bare to compare with. */
  readonly toBare: Interval | undefined;
  readonly against: (Interval & { readonly variant: string }) | undefined;
  readonly target: number | undefined;
}

/** Of one variant, a figure per generation. */
interface Figures {
  readonly wallUs: number[];
  readonly cpuUs: number[];
}

/** A ratio known this well needs no further generation. */
export const ENOUGH = 0.02;

/**
 * Measures the variants of one client against each other, in generations: a fresh process for each variant, one at work at
 * a time, in short slices whose order rotates, so that whatever else the machine does hits all alike. Of a process counts
 * what its cheapest quarter of slices came to; of a variant, the median of its processes. Generations are added until every
 * ratio is known to ± 2 %, or time is over.
 */
export async function hold(contest: Contest): Promise<Standing[]> {
  const figures = new Map(contest.variants.map(({ name }) => [name, { wallUs: [], cpuUs: [] } as Figures]));
  const endMs = performance.now() + contest.totalMs;
  let standings: Standing[] = [];
  for (let generation = 0; generation < contest.generations || performance.now() < endMs; generation++) {
    contest.progress?.(generation + 1);
    await runGeneration(contest, figures);
    standings = contest.variants.map((variant) => standingOf(contest, variant, figures));
    if (generation + 1 >= contest.generations && standings.every(isSettled)) break;
  }
  return standings;
}

export function isSettled({ toBare, against }: Standing): boolean {
  return [toBare, against].every((ratio) => ratio === undefined || uncertainty(ratio) <= ENOUGH);
}

async function runGeneration(contest: Contest, figures: ReadonlyMap<string, Figures>): Promise<void> {
  const { variants, concurrency, warmUpMs, rounds, sliceMs } = contest;
  const children = variants.map((variant) => start(contest, variant));
  try {
    for (const child of children) understood(await child.reply());
    const slices = variants.map((): Measured[] => []);
    for (const child of children) await measure(child, { concurrency, durationMs: warmUpMs });
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < children.length; turn++) {
        const place = (turn + round) % children.length;
        const child = children[place];
        if (child === undefined) continue;
        slices[place]?.push(await measure(child, { concurrency, durationMs: sliceMs }));
      }
    }
    for (const [place, { name }] of variants.entries()) {
      const own = slices[place] ?? [];
      figures.get(name)?.wallUs.push(undisturbed(own.map(({ wallUs }) => wallUs)));
      figures.get(name)?.cpuUs.push(undisturbed(own.map(({ cpuUs }) => cpuUs)));
    }
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

function start({ client, url, deadUrl }: Contest, variant: Contest['variants'][number]): Child {
  const { wrapper, upstreams, preloads, env, configuration } = variant;
  const expect = variant.expect ?? 'answered';
  const setup: WorkerSetup = { client, wrapper, expect, upstreams, url: expect === 'refused' ? deadUrl : url };
  return new Child(path.join(__dirname, 'worker.js'), {
    execArgv: preloads.flatMap((file) => ['--require', file]),
    args: [JSON.stringify(setup)],
    env,
    configuration: configuration?.(new URL(url)),
  });
}

async function measure(child: Child, slice: Slice): Promise<Measured> {
  const reply = understood(await child.ask(slice));
  if (reply.kind !== 'measured') throw new Error('a client process lost its place');
  return reply.measured;
}

function understood(message: unknown): Exclude<WorkerReply, { kind: 'failed' }> {
  const reply = message as WorkerReply;
  if (reply.kind === 'failed') throw new Error(`in a client process: ${reply.error}`);
  return reply;
}

function standingOf(contest: Contest, variant: Variant, figures: ReadonlyMap<string, Figures>): Standing {
  const own = figures.get(variant.name) ?? { wallUs: [], cpuUs: [] };
  const to = (name: string): Interval | undefined => {
    const base = figures.get(name);
    return base === undefined || name === variant.name ? undefined : ratioOf(own.cpuUs, base.cpuUs);
  };
  const against = variant.against === undefined ? undefined : to(variant.against);
  return {
    client: contest.client,
    variant: variant.name,
    concurrency: contest.concurrency,
    generations: own.cpuUs.length,
    wallUs: median(own.wallUs),
    cpuUs: median(own.cpuUs),
    toBare: to(BARE),
    against: against && variant.against !== undefined ? { variant: variant.against, ...against } : undefined,
    target: variant.targets?.[contest.client],
  };
}
