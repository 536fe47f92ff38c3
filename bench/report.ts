import os from 'node:os';
import type { Comparison, Standing } from './contest.ts';
import type { ClientName } from './protocol.ts';
import type { StartUp } from './start-up.ts';
import type { Summary } from './statistics.ts';
import { TARGET_DECISION_NS, TARGET_RATIOS, TARGET_RATIOS_ARMED, TARGET_REGISTER_MS } from './variants.ts';

export interface Results {
  readonly machine: Machine;
  readonly standings: Standing[];
  readonly rejections: Standing[];
  decisions: ReadonlyArray<{ readonly name: string; readonly ns: number; readonly leastNs: number }>;
  startUp: StartUp | undefined;
  bytesPerUpstream: number | undefined;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.platform()} ${os.release()}`,
    node: process.version,
    loadBefore: os.loadavg()[0] ?? Number.NaN,
  };
}

export function describe(results: Results): string {
  const { machine: m, standings, rejections, decisions, startUp, bytesPerUpstream } = results;
  const parts = [
    `${m.cpu}, ${m.cores} cores, ${m.memoryGb} GB, ${m.system}, Node ${m.node}; load before: ${m.loadBefore.toFixed(2)}`,
  ];
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
  if (startUp !== undefined) parts.push(startUpTable(startUp));
  if (bytesPerUpstream !== undefined) parts.push(`Memory: ${bytesPerUpstream} bytes per upstream (default policy)`);
  return `${parts.join('\n\n')}\n`;
}

const COLUMNS = [
  '',
  'at a time',
  'µs/call',
  'CPU µs/call',
  'wall ratio',
  'min–max',
  'CPU ratio',
  'min–max',
  'least CPU ratio',
];

function callTable(client: ClientName, standings: readonly Standing[]): string {
  const rows = standings.flatMap(({ variant, concurrency, wallUs, cpuUs, toBare, against }) => {
    const row = [variant, String(concurrency), wallUs.toFixed(1), cpuUs.toFixed(1), ...ratioCells(toBare)];
    if (against === undefined) return [row];
    return [row, ['  … to that without ours', String(concurrency), '', '', ...ratioCells(against)]];
  });
  rows.sort((a, b) => Number(a[1]) - Number(b[1]));
  const title = `${client}: calls that are answered; targets for ours, telemetry off: ≤ ${TARGET_RATIOS[client].toFixed(2)}, armed: ≤ ${TARGET_RATIOS_ARMED[client].toFixed(2)}`;
  const rounds = standings[0]?.rounds;
  return `${title}; ${rounds} rounds\n${table(COLUMNS, rows)}`;
}

function ratioCells(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return ['', '', '', '', ''];
  const { wallRatio, cpuRatio, leastCpuRatio } = comparison;
  const cells = ({ median, min, max }: Summary) => [median.toFixed(3), `${min.toFixed(2)}–${max.toFixed(2)}`];
  return [...cells(wallRatio), ...cells(cpuRatio), leastCpuRatio.toFixed(3)];
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

function startUpTable({ runs, bareMs, registerMs, addedMs, addedCpuMs, groups, slowest }: StartUp): string {
  const span = ({ median, min, max }: Summary) => `${median.toFixed(1)} ms (${min.toFixed(1)}–${max.toFixed(1)})`;
  return [
    `Start of a process up to the app's first line, ${runs} runs; target for register ≤ ${TARGET_REGISTER_MS} ms`,
    `without ${bareMs.toFixed(1)} ms, with register ${registerMs.toFixed(1)} ms: adds ${span(addedMs)}, CPU ${span(addedCpuMs)}`,
    table(
      ['own load time', 'modules', 'ms'],
      groups.map((of) => [of.group, String(of.modules), of.ms.toFixed(2)]),
    ),
    table(
      ['slowest modules', 'ms'],
      slowest.map(({ module, ownMs }) => [module, ownMs.toFixed(2)]),
    ),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const numeric = /^[\d.,–-]+( ns| ms)?$/;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        numeric.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
