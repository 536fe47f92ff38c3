import path from 'node:path';
import { outputOf } from './children.ts';
import type { LoadTime } from './require-times.ts';
import { median, type Summary, summarise } from './statistics.ts';

const FILES = {
  app: path.join(__dirname, 'empty-app.js'),
  times: path.join(__dirname, 'require-times.js'),
  register: path.join(__dirname, '../src/register.js'),
};

export interface StartUp {
  readonly runs: number;
  /** From the start of the process to the first line of the app. */
  readonly bareMs: number;
  readonly registerMs: number;
  readonly addedMs: Summary;
  readonly addedCpuMs: Summary;
  /** Median own load time by group of modules, largest first. */
  readonly groups: ReadonlyArray<{ readonly group: string; readonly modules: number; readonly ms: number }>;
  readonly slowest: readonly LoadTime[];
}

interface FirstLine {
  readonly firstLineMs: number;
  readonly cpuMs: number;
}

/** What `--require …/register` adds to the start of a process that then does nothing. */
export async function measureStartUp(runs: number): Promise<StartUp> {
  const bare: FirstLine[] = [];
  const registered: FirstLine[] = [];
  const loads: LoadTime[][] = [];
  for (let run = -1; run < runs; run++) {
    // By turns first and second; the run before the first only fills the disk cache.
    const one = async () => JSON.parse(await outputOf([], FILES.app)) as FirstLine;
    const other = async () => JSON.parse(await outputOf(['--require', FILES.register], FILES.app)) as FirstLine;
    const [first, second] = run % 2 === 0 ? [await one(), await other()] : [await other(), await one()].reverse();
    if (run < 0 || first === undefined || second === undefined) continue;
    bare.push(first);
    registered.push(second);
    loads.push(await loadTimes());
  }
  const added = (of: (line: FirstLine) => number) =>
    summarise(registered.map((line, run) => of(line) - of(bare[run] ?? line)));
  return {
    runs,
    bareMs: median(bare.map(({ firstLineMs }) => firstLineMs)),
    registerMs: median(registered.map(({ firstLineMs }) => firstLineMs)),
    addedMs: added(({ firstLineMs }) => firstLineMs),
    addedCpuMs: added(({ cpuMs }) => cpuMs),
    ...breakDown(loads),
  };
}

async function loadTimes(): Promise<LoadTime[]> {
  const output = await outputOf(['--require', FILES.times, '--require', FILES.register], FILES.app);
  return JSON.parse(output.slice(output.lastIndexOf('\n'))) as LoadTime[];
}

function breakDown(loads: readonly LoadTime[][]): Pick<StartUp, 'groups' | 'slowest'> {
  const byModule = new Map<string, number[]>();
  for (const run of loads) {
    const ofRun = new Map<string, number>();
    for (const { module, ownMs } of run) ofRun.set(module, (ofRun.get(module) ?? 0) + ownMs);
    for (const [module, ms] of ofRun) byModule.set(module, [...(byModule.get(module) ?? []), ms]);
  }
  const modules = [...byModule].map(([module, ms]) => ({ module, ownMs: median(ms) }));
  const groups = new Map<string, { modules: number; ms: number }>();
  for (const { module, ownMs } of modules) {
    const group = groupOf(module);
    const { modules: count, ms } = groups.get(group) ?? { modules: 0, ms: 0 };
    groups.set(group, { modules: count + 1, ms: ms + ownMs });
  }
  return {
    groups: [...groups].map(([group, sums]) => ({ group, ...sums })).sort((a, b) => b.ms - a.ms),
    slowest: modules.sort((a, b) => b.ownMs - a.ownMs).slice(0, 12),
  };
}

function groupOf(module: string): string {
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module);
  if (dependency?.[1] !== undefined) return dependency[1];
  const own = /^build\/src\/([^/]+)(\/)?/.exec(module);
  if (own !== null) return own[2] === '/' ? `ours: ${own[1]}/` : 'ours: top level';
  return 'Node built-ins';
}
