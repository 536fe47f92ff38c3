import { ATTR, EVENTS, EXECUTION_SPAN } from '../../src/telemetry/names.ts';
import type { AttributeRecord, ReceivedSpan } from '../../test/support/otlp-receiver.ts';
import type { Screen } from './screen.ts';

const NAME_WIDTH = 54;

/** Whether the trace is here as a whole: spans of one trace can come in several exports, the root last. */
export function isWhole(spans: readonly ReceivedSpan[]): boolean {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.length > 1 && spans.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId));
}

/** The spans of one trace as an indented tree: kind, name, how long it took and how it ended. */
export function traceTree(spans: readonly ReceivedSpan[], screen: Screen): string[] {
  const sorted = [...spans].sort((a, b) => Number(a.start - b.start));
  const linesOf = (parent: string | undefined, depth: number): string[] =>
    sorted
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .flatMap((span) => [...describe(span, depth, screen), ...linesOf(span.spanId, depth + 1)]);
  return linesOf(undefined, 0);
}

function describe(span: ReceivedSpan, depth: number, screen: Screen): string[] {
  const indent = '  '.repeat(depth);
  const name = `${indent}${span.kind.padEnd(9)}${titleOf(span)}`.padEnd(NAME_WIDTH);
  const duration = `${(Number(span.end - span.start) / 1e6).toFixed(1).padStart(7)} ms`;
  const end = screen.paint(endOf(span), span.status === 'ERROR' ? 'red' : 'green');
  const events = span.events
    .filter(({ name: event }) => event.startsWith('resilience.'))
    .map(({ name: event, attributes }) =>
      screen.paint(`${indent}  ${'·'.padEnd(7)}${event}${detailOf(event, attributes)}`, 'cyan'),
    );
  return [`${name}${duration}  ${end}`, ...events];
}

function titleOf({ name, kind, attributes }: ReceivedSpan): string {
  const url = attributes['url.full'] ?? attributes['http.url'] ?? attributes['url.path'] ?? attributes['http.target'];
  if (kind === 'INTERNAL' || url === undefined) return name;
  return `${name.split(' ')[0]} ${new URL(String(url), 'http://127.0.0.1').pathname}`;
}

function endOf({ name, status, attributes }: ReceivedSpan): string {
  const code = attributes['http.response.status_code'] ?? attributes['http.status_code'];
  const own = name.startsWith(EXECUTION_SPAN.name) ? attributes[ATTR.outcome] : code;
  return [status === 'ERROR' ? 'ERROR' : 'ok', own ?? attributes[ATTR.errorType]].filter(Boolean).join(' ');
}

function detailOf(event: string, attributes: AttributeRecord): string {
  if (event === EVENTS.circuitStateChange.name) {
    return `: ${attributes[ATTR.circuitPreviousState]} -> ${attributes[ATTR.circuitState]}`;
  }
  if (event === EVENTS.upstreamHealthChange.name) return `: ${attributes[ATTR.upstreamState]}`;
  if (event === EVENTS.callRejected.name) return `: ${attributes[ATTR.rejectionReason]}`;
  return '';
}
