import { episodesOf } from '../status/episodes.ts';
import { headlineOf } from '../status/headline.ts';
import { bySeverity, countText, percentText, situationOf, type Tone, words } from '../status/situation.ts';
import { type Cell, printable, table } from './layout.ts';
import type { CircuitReading, StatusReading, UpstreamReading } from './status-reading.ts';
import type { Style, Terminal } from './terminal.ts';

const MAX_EPISODES = 8;

const TONE_STYLES: Readonly<Record<Tone, Style>> = { bad: 'red', warn: 'yellow', note: 'cyan', ok: 'green' };
const STATE_TONES: Readonly<Record<string, Tone>> = {
  closed: 'ok',
  half_open: 'warn',
  open: 'bad',
  forced_open: 'bad',
};

interface Column {
  /** As `/status` and `getResilience()` have it, in words. */
  readonly title: string;
  readonly of: (upstream: UpstreamReading) => string;
  /** Left out where no upstream has any. */
  readonly count?: (upstream: UpstreamReading) => number;
}

const COLUMNS: readonly Column[] = [
  { title: 'error ratio', of: ({ errorRatio }) => (errorRatio === null ? '-' : percentText(errorRatio)) },
  { title: 'calls', of: ({ calls }) => (calls === undefined ? '-' : countText(calls)) },
  ...(['rejections', 'retries', 'hedges', 'fallbacks'] as const).map(
    (title): Column => ({ title, of: (upstream) => countText(upstream[title]), count: (upstream) => upstream[title] }),
  ),
  {
    title: 'limit',
    of: ({ limit }) => (limit === undefined ? '-' : countText(limit)),
    count: ({ limit = 0 }) => limit,
  },
  {
    title: 'refusing',
    of: ({ refusing }) => (refusing === undefined ? '-' : percentText(refusing)),
    count: ({ refusing = 0 }) => refusing,
  },
  { title: 'p95', of: ({ p95Ms }) => (p95Ms === undefined ? '-' : `${Math.round(p95Ms)} ms`) },
];

/** The status of an app for people, in the words of the status page and in lines of the terminal's width. */
export function statusText(status: StatusReading, address: string, terminal: Terminal): string {
  const { upstreams, omitted, changes, at = 0 } = status;
  const { tone, title, detail } = headlineOf(upstreams, at, timeOf);
  const parts = [head(status, address, terminal), '', terminal.style(TONE_STYLES[tone], printable(title))];
  if (detail !== '') parts.push(printable(detail));
  if (upstreams.length > 0) parts.push('', upstreamTable(upstreams.toSorted(bySeverity), at, terminal));
  if (omitted > 0) parts.push(`and ${omitted} more upstreams, which the status page does not keep`);
  if (changes.length > 0) parts.push('', episodeTable(status, terminal));
  return parts.join('\n');
}

function head({ pid, node, startedAt, at }: StatusReading, address: string, terminal: Terminal): string {
  const facts = [
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(node === undefined ? [] : [`node ${node}`]),
    ...(startedAt === undefined || at === undefined ? [] : [`up ${uptimeText(at - startedAt)}`]),
  ];
  return [terminal.style('bold', address), ...facts.map((fact) => terminal.style('dim', printable(fact)))].join('  ');
}

function upstreamTable(upstreams: readonly UpstreamReading[], at: number, terminal: Terminal): string {
  const columns = COLUMNS.filter(
    ({ count }) => count === undefined || upstreams.some((upstream) => count(upstream) > 0),
  );
  const titles = ['upstream', 'circuit', ...columns.map(({ title }) => title)];
  const header = titles.map((text): Cell => ({ text, style: (shown) => terminal.style('bold', shown) }));
  const rows = upstreams.flatMap((upstream) => rowsOf(upstream, columns, at, terminal));
  return table([header, ...rows], terminal.width, 0);
}

/** The upstream itself, then the circuits of its fallback endpoints. */
function rowsOf(upstream: UpstreamReading, columns: readonly Column[], at: number, terminal: Terminal): Cell[][] {
  const { tone, label } = situationOf(upstream, at, timeOf);
  const { policy, mode } = upstream;
  const remarks = [
    ...(policy === undefined || policy === 'default' ? [] : [policy]),
    ...(mode === 'observe' ? ['observe'] : []),
  ];
  const name = remarks.length === 0 ? upstream.upstream : `${upstream.upstream} (${remarks.join(', ')})`;
  const own: Cell[] = [
    { text: name },
    { text: label, style: (shown) => terminal.style(TONE_STYLES[tone], shown) },
    ...columns.map(({ of }) => ({ text: of(upstream) })),
  ];
  return [own, ...upstream.circuits.slice(1).map((endpoint) => endpointRow(endpoint, upstream.upstream, terminal))];
}

function endpointRow({ name, state, failureRatio }: CircuitReading, upstream: string, terminal: Terminal): Cell[] {
  const shown = name.startsWith(`${upstream}/`) ? name.slice(upstream.length) : name;
  const style = TONE_STYLES[STATE_TONES[state] ?? 'note'];
  return [
    { text: `+ ${shown}` },
    { text: words(state), style: (text) => terminal.style(style, text) },
    { text: failureRatio === undefined ? '-' : percentText(failureRatio) },
  ];
}

function episodeTable({ changes }: StatusReading, terminal: Terminal): string {
  const dim = (text: string): string => terminal.style('dim', text);
  const episodes = episodesOf(changes.toReversed()).slice(0, MAX_EPISODES).toReversed();
  const traced = episodes.some(({ last }) => last.traceId !== null);
  const rows = episodes.map(({ name, text, last }): Cell[] => [
    { text: last.at === 0 ? '-' : timeOf(last.at), style: dim },
    { text: name },
    { text },
    ...(traced ? [{ text: last.traceId?.slice(0, 8) ?? '', style: dim }] : []),
  ]);
  const titles = ['time (UTC)', 'what happened', '', ...(traced ? ['trace'] : [])];
  const header = titles.map((text): Cell => ({ text, style: (shown) => terminal.style('bold', shown) }));
  return table([header, ...rows], terminal.width, 1);
}

function timeOf(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

/** The two largest units of a time span. */
function uptimeText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
