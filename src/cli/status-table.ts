import { type Cell, printable, table } from './layout.ts';
import type { ChangeReading, CircuitReading, StatusReading, UpstreamReading } from './status-reading.ts';
import type { Style, Terminal } from './terminal.ts';

const COLUMNS = ['upstream', 'circuit', 'errors', 'calls', 'rejected', 'retries', 'fallbacks', 'p95'];
const MAX_CHANGES = 8;

const STATE_STYLES: Readonly<Record<string, Style>> = {
  closed: 'green',
  half_open: 'yellow',
  open: 'red',
  forced_open: 'red',
  forced_closed: 'yellow',
};

/** The status of an app for people, in lines of the terminal's width. */
export function statusText(status: StatusReading, address: string, terminal: Terminal): string {
  const { upstreams, omitted, changes } = status;
  const parts = [head(status, address, terminal), ''];
  if (upstreams.length === 0) parts.push('No call has been made yet.');
  else parts.push(upstreamTable(upstreams, terminal));
  if (omitted > 0) parts.push(`and ${omitted} more upstreams, which the status page does not keep`);
  if (changes.length > 0) parts.push('', changeTable(changes.slice(-MAX_CHANGES), terminal));
  return parts.join('\n');
}

function head({ pid, node, startedAt, at }: StatusReading, address: string, terminal: Terminal): string {
  const facts = [
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(node === undefined ? [] : [`node ${node}`]),
    ...(startedAt === undefined || at === undefined ? [] : [`up ${spanOf(at - startedAt)}`]),
  ];
  return [terminal.style('bold', address), ...facts.map((fact) => terminal.style('dim', printable(fact)))].join('  ');
}

function upstreamTable(upstreams: readonly UpstreamReading[], terminal: Terminal): string {
  const header = COLUMNS.map((text): Cell => ({ text, style: (shown) => terminal.style('bold', shown) }));
  return table([header, ...upstreams.flatMap((upstream) => rowsOf(upstream, terminal))], terminal.width, 0);
}

/** The upstream itself, then the circuits of its fallback endpoints. */
function rowsOf(upstream: UpstreamReading, terminal: Terminal): Cell[][] {
  const [primary, ...endpoints] = upstream.circuits;
  const { policy, observes, errorRatio, unhealthy } = upstream;
  const remarks = [
    ...(policy === undefined || policy === 'default' ? [] : [policy]),
    ...(observes ? ['observed'] : []),
  ];
  const name = remarks.length === 0 ? upstream.name : `${upstream.name} (${remarks.join(', ')})`;
  const errors: Cell = {
    text: percent(errorRatio),
    style: unhealthy ? (text) => terminal.style('red', text) : undefined,
  };
  const own = [
    { text: name },
    primary === undefined ? { text: '-' } : circuitCell(primary, terminal),
    errors,
    ...[upstream.calls, upstream.rejections, upstream.retries, upstream.fallbacks].map((count) => ({
      text: count === undefined ? '-' : String(count),
    })),
    { text: upstream.p95Ms === undefined ? '-' : `${Math.round(upstream.p95Ms)}ms` },
  ];
  return [own, ...endpoints.map((endpoint) => endpointRow(endpoint, upstream.name, terminal))];
}

function endpointRow(circuit: CircuitReading, upstream: string, terminal: Terminal): Cell[] {
  const name = circuit.name.startsWith(`${upstream}/`) ? circuit.name.slice(upstream.length) : circuit.name;
  return [{ text: `+ ${name}` }, circuitCell(circuit, terminal), { text: percent(circuit.failureRatio) }];
}

function circuitCell({ state, retryAfterMs }: CircuitReading, terminal: Terminal): Cell {
  const style = STATE_STYLES[state];
  const text = retryAfterMs > 0 ? `${state} ${spanOf(retryAfterMs)}` : state;
  return { text, style: style && ((shown) => terminal.style(style, shown)) };
}

function changeTable(changes: readonly ChangeReading[], terminal: Terminal): string {
  const dim = (text: string): string => terminal.style('dim', text);
  const rows = changes.map(({ at, name, previousState, state, reason, traceId }): Cell[] => [
    { text: at === undefined ? '-' : new Date(at).toISOString().slice(11, 19), style: dim },
    { text: name },
    { text: `${previousState} -> ${state} (${reason})` },
    { text: traceId?.slice(0, 8) ?? '', style: dim },
  ]);
  const header = ['time (UTC)', 'change of', '', 'trace'].map(
    (text): Cell => ({
      text,
      style: (shown) => terminal.style('bold', shown),
    }),
  );
  return table([header, ...rows], terminal.width, 1);
}

function percent(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${Math.round(ratio * 100)}%`;
}

/** The two largest units of a time span. */
function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
