import os from 'node:os';
import { isSettled, type Standing } from './contest.ts';
import type { ClientName } from './protocol.ts';
import { QUIET } from './quiet.ts';
import type { Path } from './sidecar.ts';
import type { StartUp } from './start-up.ts';
import type { Interval, Summary } from './statistics.ts';
import { TARGET_BYTES_PER_UPSTREAM, TARGET_DECISION_NS } from './variants.ts';

export interface Results {
  readonly machine: Machine;
  readonly standings: Standing[];
  readonly rejections: Standing[];
  decisions: ReadonlyArray<{ readonly name: string; readonly ns: number; readonly leastNs: number }>;
  startUp: readonly StartUp[];
  bytesPerUpstream: number | undefined;
  sidecar: readonly Path[];
  /** Sections that could not be run, and why. */
  readonly left: string[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** Share of its time that others took before the run, and after it. */
  readonly busy: number[];
}

export function thisMachine(busy: number): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.platform()} ${os.release()}`,
    node: process.version,
    busy: [busy],
  };
}

export function describe(results: Results): string {
  const { machine: m, standings, rejections, decisions, startUp, bytesPerUpstream, sidecar } = results;
  const percent = m.busy.map((share) => `${(share * 100).toFixed(0)} %`).join(' and ');
  const parts = [
    `${m.cpu}, ${m.cores} cores, ${m.memoryGb} GB, ${m.system}, Node ${m.node}; busy with other things before and after: ${percent}`,
  ];
  if (m.busy.some((share) => share > QUIET)) parts.push('The machine was NOT QUIET: take no figure from this run.');
  for (const client of new Set(standings.map((standing) => standing.client))) {
    parts.push(
      callTable(
        client,
        standings.filter((standing) => standing.client === client),
      ),
    );
  }
  if (rejections.length > 0) parts.push(rejectionTable(rejections));
  if (decisions.length > 0) {
    const rows = decisions.map(({ name, ns, leastNs }) => [name, `${ns.toFixed(0)} ns`, `${leastNs.toFixed(0)} ns`]);
    parts.push(`Decision, target ≤ ${TARGET_DECISION_NS} ns\n${table(['', 'median', 'least'], rows)}`);
  }
  if (startUp.length > 0) parts.push(startUpTable(startUp));
  if (bytesPerUpstream !== undefined) {
    parts.push(
      `Memory: ${bytesPerUpstream} bytes per upstream (default policy), target ≤ ${TARGET_BYTES_PER_UPSTREAM}`,
    );
  }
  if (sidecar.length > 0) parts.push(sidecarTable(sidecar));
  return `${[...parts, ...results.left].join('\n\n')}\n`;
}

const COLUMNS = ['', 'µs/call', 'CPU µs/call', 'CPU to bare', 'likely', 'target', ''];

function callTable(client: ClientName, standings: readonly Standing[]): string {
  const rows = standings.flatMap((standing) => {
    const { variant, wallUs, cpuUs, toBare, against, target } = standing;
    const known = (ratio: Interval | undefined) =>
      ratio === undefined ? ['', ''] : [ratio.value.toFixed(3), `${ratio.low.toFixed(3)}–${ratio.high.toFixed(3)}`];
    const settled = isSettled(standing) ? '' : 'not settled';
    const aim = target === undefined ? '' : `≤ ${target.toFixed(2)}`;
    const own = [variant, wallUs.toFixed(1), cpuUs.toFixed(1), ...known(toBare)];
    if (against === undefined) return [[...own, aim, settled]];
    return [
      [...own, '', settled],
      ['  … to that without ours', '', '', ...known(against), aim, ''],
    ];
  });
  const { generations = 0, concurrency = 0 } = standings[0] ?? {};
  return `${client}: calls that are answered, ${concurrency} at a time; ${generations} processes per variant\n${table(COLUMNS, rows)}`;
}

function rejectionTable(rejections: readonly Standing[]): string {
  const rows = rejections.map(({ client, variant, wallUs, cpuUs }) => [
    client,
    variant,
    wallUs.toFixed(1),
    cpuUs.toFixed(1),
  ]);
  return `Calls that get nowhere, one at a time\n${table(['', '', 'µs/call', 'CPU µs/call'], rows)}`;
}

function startUpTable(rows: readonly StartUp[]): string {
  const span = ({ median, min, max }: Summary) => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  const cells = rows.map(({ name, firstLine, firstCall, target }) => [
    name,
    span(firstLine.wallMs),
    span(firstLine.cpuMs),
    span(firstCall.wallMs),
    span(firstCall.cpuMs),
    target === undefined ? '' : `≤ ${target}`,
  ]);
  const head = ['', 'first line', 'CPU', 'first call', 'CPU', 'target'];
  return `Start of a process, ms; below the first row what it adds to bare\n${table(head, cells)}`;
}

function sidecarTable(paths: readonly Path[]): string {
  const bare = paths[0];
  const rows = paths.map(({ name, p50Us, p99Us }) => [
    name,
    p50Us.toFixed(0),
    p99Us.toFixed(0),
    bare === undefined || name === bare.name ? '' : (p50Us - bare.p50Us).toFixed(0),
    bare === undefined || name === bare.name ? '' : (p99Us - bare.p99Us).toFixed(0),
  ]);
  return `http, one call at a time, µs\n${table(['', 'p50', 'p99', 'p50 added', 'p99 added'], rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const numeric = /^[\d.,–() -]+( ns| ms)?$/;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        numeric.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
