import { ATTR, EVENTS, EXECUTION_SPAN, METRICS } from '../../src/telemetry/names.ts';
import { OtlpReceiver, type ReceivedSpan } from '../../test/support/otlp-receiver.ts';
import { fromJsonLog, fromOtlp } from './changes.ts';
import { metricsTable, tallyOf } from './metrics.ts';
import { ROOT } from './processes.ts';
import type { Story } from './story.ts';
import { isWhole, traceTree } from './trace-tree.ts';
import type { Tally } from './visitors.ts';

/** Where the app's telemetry goes, and how the demo hears of it. */
export interface Sink {
  /** For people. */
  readonly place: string;
  /** What the app needs to send it there. */
  readonly env: Readonly<Record<string, string>>;
  /** A line that the app wrote to stderr. */
  takeLine(line: string): void;
  /** Tells once a second what became of the calls. `seen` is what the visitors know. Returns the undo. */
  count(seen: Readonly<Tally>): () => void;
  summary(): [title: string, lines: readonly string[]];
  close(): Promise<void>;
}

const SERVICE = 'demo-shop';
const EVERY_MS = 1_000;

export function openSink(env: NodeJS.ProcessEnv, story: Story): Promise<Sink> {
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!hasSdk()) return openLog(story);
  return endpoint ? openRemote(endpoint, env, story) : openEmbedded(story);
}

/** A receiver in this process: the demo shows what OpenTelemetry gets, and nothing else. */
async function openEmbedded(story: Story): Promise<Sink> {
  const receiver = await OtlpReceiver.start();
  receiver.on('log', (log) => {
    const change = fromOtlp(log);
    if (change !== undefined) story.change(change);
  });
  showTraces(receiver, story);
  return {
    place: `OTLP to a receiver in this process, ${receiver.url}`,
    env: {
      ...receiver.env,
      OTEL_METRIC_EXPORT_INTERVAL: String(EVERY_MS),
      OTEL_SERVICE_NAME: SERVICE,
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
    },
    takeLine: (line) => story.screen.happened('app', line),
    count: () => {
      const tell = () => story.calls(tallyOf(receiver));
      receiver.on('received', tell);
      return () => receiver.off('received', tell);
    },
    summary: () => ['What the metrics say', metricsTable(receiver)],
    close: () => receiver.close(),
  };
}

/** Somebody else's collector: the demo tells what our own log says, and what to look for over there. */
async function openRemote(endpoint: string, env: NodeJS.ProcessEnv, story: Story): Promise<Sink> {
  story.showsTraceIds = true;
  const service = env.OTEL_SERVICE_NAME || SERVICE;
  const summary: ReturnType<Sink['summary']> = [
    `What to look for at ${endpoint}, service ${service}`,
    [
      `spans    ${EXECUTION_SPAN.name} default (INTERNAL), and a CLIENT span for each call that was sent`,
      `events   ${EVENTS.circuitStateChange.name} on those spans and as logs`,
      `metrics  ${METRICS.executionDuration.name}, by ${ATTR.outcome}`,
      `         ${METRICS.circuitStatus.name}, by ${ATTR.circuitState}`,
      `         ${METRICS.rejections.name}, by ${ATTR.rejectionReason}`,
    ],
  ];
  const place = `OTLP to ${endpoint} (OTEL_EXPORTER_OTLP_ENDPOINT), as service ${service}`;
  return fromLog(story, { place, summary, env: { OTEL_SERVICE_NAME: service } });
}

/** Without an SDK there are no traces to show: the policies work all the same, and our own log tells of them. */
async function openLog(story: Story): Promise<Sink> {
  const summary: ReturnType<Sink['summary']> = [
    'With traces and metrics too',
    ['npm install @opentelemetry/sdk-node @opentelemetry/instrumentation-http, beside this package; then once more'],
  ];
  const place = 'JSON lines on stderr: @opentelemetry/sdk-node is not installed here';
  return fromLog(story, { place, summary, env: { OTEL_RESILIENCE_SDK: 'off' } });
}

interface LogSink {
  readonly place: string;
  readonly env: Readonly<Record<string, string>>;
  readonly summary: ReturnType<Sink['summary']>;
}

/** Hears of changes from what the app logs, and of calls from its visitors. */
function fromLog(story: Story, { place, env, summary }: LogSink): Sink {
  return {
    place,
    env: { ...env, OTEL_RESILIENCE_LOG: 'json' },
    takeLine: (line) => {
      const change = fromJsonLog(line);
      if (change === undefined) story.screen.happened('app', line);
      else story.change(change);
    },
    count: (seen) => {
      const timer = setInterval(() => story.calls(seen), EVERY_MS);
      return () => {
        clearInterval(timer);
        story.calls(seen);
      };
    },
    summary: () => summary,
    close: async () => {},
  };
}

function hasSdk(): boolean {
  try {
    require.resolve('@opentelemetry/sdk-node', { paths: [ROOT] });
    return true;
  } catch {
    return false;
  }
}

/** Shows two traces as soon as they are here as a whole: the one that opened the circuit, and one that was rejected. */
function showTraces(receiver: OtlpReceiver, story: Story): void {
  const wanted = [
    { title: 'the visit that opened the circuit', is: opened },
    { title: 'a visit while it is open (no CLIENT span: nothing was sent)', is: rejectedAlone },
  ];
  receiver.on('received', () => {
    // Spans and logs come in exports of their own, in any order: the change is told before its trace is shown.
    if (!receiver.logs.some(({ eventName }) => eventName === EVENTS.circuitStateChange.name)) return;
    const [next] = wanted;
    if (next === undefined) return;
    const span = receiver.spans.find((candidate) => next.is(candidate, traceOf(receiver, candidate)));
    if (span === undefined || !isWhole(traceOf(receiver, span))) return;
    wanted.shift();
    const lines = traceTree(traceOf(receiver, span), story.screen);
    story.screen.block(`Trace of ${next.title}`, [`trace id ${span.traceId}`, ...lines]);
  });
}

function traceOf(receiver: OtlpReceiver, { traceId }: ReceivedSpan): readonly ReceivedSpan[] {
  return receiver.spans.filter((span) => span.traceId === traceId);
}

function opened({ events }: ReceivedSpan): boolean {
  return events.some(({ name, attributes }) => {
    return name === EVENTS.circuitStateChange.name && attributes[ATTR.circuitState] === 'open';
  });
}

function rejectedAlone({ attributes }: ReceivedSpan, trace: readonly ReceivedSpan[]): boolean {
  return attributes[ATTR.outcome] === 'rejected' && trace.every(({ kind }) => kind !== 'CLIENT');
}
