import path from 'node:path';
import { outputOf } from './children.ts';
import { type Summary, summarise } from './statistics.ts';
import { ONE_OPTION, REGISTER, YAML } from './variants.ts';

const FIRST_LINE = path.join(__dirname, 'empty-app.js');
const FIRST_CALL = path.join(__dirname, 'first-call-app.js');

interface Preload {
  readonly name: string;
  readonly preload: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly configuration?: string;
  /** Most milliseconds to the first line that are aimed at, over bare. */
  readonly target?: number;
}

const PRELOADS: readonly Preload[] = [
  { name: 'bare', preload: false },
  { name: 'register', preload: true, target: 20 },
  { name: 'register, one option set', preload: true, env: ONE_OPTION },
  { name: 'register, YAML file', preload: true, configuration: YAML, target: 35 },
];

export interface StartUp {
  readonly name: string;
  readonly target: number | undefined;
  /** Milliseconds from the start of the process; of the rows below the first: what they add to bare, run by run. */
  readonly firstLine: Moment;
  /** The same up to the end of the app's first call, which loads what waits for one. */
  readonly firstCall: Moment;
}

interface Moment {
  readonly wallMs: Summary;
  readonly cpuMs: Summary;
}

/** What an app of this bench prints. */
export interface Reading {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** What `--require …/register` adds to the start of a process, by itself and with a configuration. */
export async function measureStartUp(runs: number): Promise<StartUp[]> {
  const lines = await measure(FIRST_LINE, runs);
  const calls = await measure(FIRST_CALL, runs);
  return PRELOADS.map(({ name, target }) => ({
    name,
    target,
    firstLine: momentOf(name, lines),
    firstCall: momentOf(name, calls),
  }));
}

async function measure(app: string, runs: number): Promise<Map<string, Reading[]>> {
  const readings = new Map(PRELOADS.map(({ name }) => [name, [] as Reading[]]));
  // The run before the first only fills the disk cache.
  for (let run = -1; run < runs; run++) {
    for (let turn = 0; turn < PRELOADS.length; turn++) {
      const one = PRELOADS[(turn + run + 1) % PRELOADS.length];
      if (one === undefined) continue;
      const { env, configuration, preload } = one;
      const output = await outputOf(app, { execArgv: preload ? ['--require', REGISTER] : [], env, configuration });
      if (run >= 0) readings.get(one.name)?.push(JSON.parse(output) as Reading);
    }
  }
  return readings;
}

function momentOf(name: string, all: ReadonlyMap<string, readonly Reading[]>): Moment {
  const bare = all.get('bare') ?? [];
  const own = all.get(name) ?? [];
  const added = (of: (reading: Reading) => number): Summary =>
    summarise(own.map((reading, run) => of(reading) - (name === 'bare' ? 0 : of(bare[run] ?? reading))));
  return { wallMs: added(({ wallMs }) => wallMs), cpuMs: added(({ cpuMs }) => cpuMs) };
}
