import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export type AttributeValue = string | number | boolean | readonly AttributeValue[] | undefined;
export type AttributeRecord = Record<string, AttributeValue>;

export interface ReceivedEvent {
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly attributes: AttributeRecord;
}

export interface ReceivedSpan {
  readonly scope: string;
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER' | 'UNSPECIFIED';
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root span. */
  readonly parentSpanId: string | undefined;
  /** The ids of the spans it links to. */
  readonly links: readonly string[];
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: AttributeRecord;
  readonly events: readonly ReceivedEvent[];
  readonly status: 'UNSET' | 'OK' | 'ERROR';
  readonly resource: AttributeRecord;
}

export interface ReceivedLog {
  readonly scope: string;
  readonly eventName: string | undefined;
  readonly severityNumber: number;
  readonly body: AttributeValue;
  readonly time: bigint;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly attributes: AttributeRecord;
}

export interface ReceivedPoint {
  readonly scope: string;
  readonly metric: string;
  readonly unit: string;
  readonly type: 'sum' | 'gauge' | 'histogram';
  readonly attributes: AttributeRecord;
  /** The sum of a histogram. */
  readonly value: number;
  /** Of a histogram. */
  readonly count: number | undefined;
  /** Of a histogram. */
  readonly bounds: readonly number[] | undefined;
  /** Of a sum: whether it only ever grows. */
  readonly monotonic: boolean | undefined;
}

/** What the collector does with an export request. `hang` never answers. */
export type Behaviour = 'accept' | 'hang' | 'unavailable';

interface ReceiverEvents {
  span: [ReceivedSpan];
  log: [ReceivedLog];
  point: [ReceivedPoint];
  /** An export has been taken in, refused or left hanging. */
  received: [];
}

/**
 * An OTLP/HTTP collector in the process, for JSON (`OTEL_EXPORTER_OTLP_PROTOCOL=http/json`). Keeps all it gets, and emits
 * `span`, `log` and `point` for each. Listens on the loopback interface only.
 */
export class OtlpReceiver extends EventEmitter<ReceiverEvents> {
  readonly spans: ReceivedSpan[] = [];
  readonly logs: ReceivedLog[] = [];
  readonly points: ReceivedPoint[] = [];
  behaviour: Behaviour = 'accept';
  /** Export requests seen, whatever was done with them. */
  requests = 0;
  readonly #server = http.createServer((request, response) => {
    void this.#receive(request, response).catch(() => response.writeHead(400).end());
  });

  static async start(port = 0): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(port, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The variables that make an SDK export here, often. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '400',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BLRP_SCHEDULE_DELAY: '100',
    };
  }

  /** The latest points of a metric, one for each set of attributes. */
  series(metric: string): readonly ReceivedPoint[] {
    const latest = new Map<string, ReceivedPoint>();
    for (const point of this.points) {
      if (point.metric === metric) latest.set(JSON.stringify(point.attributes), point);
    }
    return [...latest.values()];
  }

  /** The spans of a trace as an indented tree, children in the order of their start. */
  tree(traceId: string): readonly string[] {
    const spans = this.spans.filter((span) => span.traceId === traceId).sort((a, b) => Number(a.start - b.start));
    const ids = new Set(spans.map((span) => span.spanId));
    const lines = (parent: ReceivedSpan | undefined, depth: number): string[] =>
      spans
        .filter(({ parentSpanId: id }) => (parent ? id === parent.spanId : id === undefined || !ids.has(id)))
        .flatMap((span) => [`${'  '.repeat(depth)}${span.kind} ${span.name}`, ...lines(span, depth + 1)]);
    return lines(undefined, 0);
  }

  /** Resolves as soon as `found` answers other than undefined or false; asked again after everything received. */
  async until<T>(what: string, found: () => T | undefined | false, timeoutMs = 30_000): Promise<T> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const result = found();
      if (result !== undefined && result !== false) return result;
      await once(this, 'received', { signal }).catch(() => {
        throw new Error(`not received within ${timeoutMs} ms: ${what}`);
      });
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.requests += 1;
    if (this.behaviour !== 'accept') this.emit('received');
    if (this.behaviour === 'hang') return;
    if (this.behaviour === 'unavailable') {
      response.writeHead(503).end();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    if (request.headers['content-type'] !== 'application/json') {
      response.writeHead(415).end('set OTEL_EXPORTER_OTLP_PROTOCOL=http/json');
      return;
    }
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    this.#keep(JSON.parse(body.toString()) as OtlpExport);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    this.emit('received');
  }

  #keep(data: OtlpExport): void {
    for (const span of data.resourceSpans?.flatMap(toSpans) ?? []) {
      this.spans.push(span);
      this.emit('span', span);
    }
    for (const log of data.resourceLogs?.flatMap(toLogs) ?? []) {
      this.logs.push(log);
      this.emit('log', log);
    }
    for (const point of data.resourceMetrics?.flatMap(toPoints) ?? []) {
      this.points.push(point);
      this.emit('point', point);
    }
  }
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}
interface OtlpKeyValue {
  readonly key: string;
  readonly value: OtlpValue;
}
interface Scoped {
  readonly scope?: { readonly name?: string };
}
interface OtlpResource {
  readonly resource?: { readonly attributes?: readonly OtlpKeyValue[] };
}
interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly spanId: string }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpKeyValue[];
  readonly events?: readonly { name: string; timeUnixNano: string; attributes?: readonly OtlpKeyValue[] }[];
  readonly status?: { readonly code?: number };
}
interface OtlpLog {
  readonly eventName?: string;
  readonly severityNumber?: number;
  readonly body?: OtlpValue;
  readonly timeUnixNano: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly attributes?: readonly OtlpKeyValue[];
}
interface OtlpPoint {
  readonly attributes?: readonly OtlpKeyValue[];
  readonly asInt?: string | number;
  readonly asDouble?: number;
  readonly sum?: number;
  readonly count?: string | number;
  readonly explicitBounds?: readonly number[];
}
interface OtlpMetric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: { readonly dataPoints: readonly OtlpPoint[]; readonly isMonotonic?: boolean };
  readonly gauge?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly histogram?: { readonly dataPoints: readonly OtlpPoint[] };
}
type ResourceSpans = OtlpResource & { readonly scopeSpans: readonly (Scoped & { spans: readonly OtlpSpan[] })[] };
type ResourceLogs = OtlpResource & { readonly scopeLogs: readonly (Scoped & { logRecords: readonly OtlpLog[] })[] };
type ResourceMetrics = OtlpResource & {
  readonly scopeMetrics: readonly (Scoped & { metrics: readonly OtlpMetric[] })[];
};
interface OtlpExport {
  readonly resourceSpans?: readonly ResourceSpans[];
  readonly resourceLogs?: readonly ResourceLogs[];
  readonly resourceMetrics?: readonly ResourceMetrics[];
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUSES = ['UNSET', 'OK', 'ERROR'] as const;

function toSpans({ resource, scopeSpans }: ResourceSpans): ReceivedSpan[] {
  return scopeSpans.flatMap(({ scope, spans }) =>
    spans.map((span) => ({
      scope: scope?.name ?? '',
      name: span.name,
      kind: KINDS[span.kind] ?? 'UNSPECIFIED',
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId || undefined,
      links: (span.links ?? []).map(({ spanId }) => spanId),
      start: BigInt(span.startTimeUnixNano),
      end: BigInt(span.endTimeUnixNano),
      attributes: toRecord(span.attributes),
      events: (span.events ?? []).map((event) => ({
        name: event.name,
        time: BigInt(event.timeUnixNano),
        attributes: toRecord(event.attributes),
      })),
      status: STATUSES[span.status?.code ?? 0] ?? 'UNSET',
      resource: toRecord(resource?.attributes),
    })),
  );
}

function toLogs({ scopeLogs }: ResourceLogs): ReceivedLog[] {
  return scopeLogs.flatMap(({ scope, logRecords }) =>
    logRecords.map((log) => ({
      scope: scope?.name ?? '',
      eventName: log.eventName || undefined,
      severityNumber: log.severityNumber ?? 0,
      body: log.body && toValue(log.body),
      time: BigInt(log.timeUnixNano),
      traceId: log.traceId || undefined,
      spanId: log.spanId || undefined,
      attributes: toRecord(log.attributes),
    })),
  );
}

function toPoints({ scopeMetrics }: ResourceMetrics): ReceivedPoint[] {
  return scopeMetrics.flatMap(({ scope, metrics }) =>
    metrics.flatMap((metric) =>
      (['sum', 'gauge', 'histogram'] as const).flatMap((type) =>
        (metric[type]?.dataPoints ?? []).map((point) => ({
          scope: scope?.name ?? '',
          metric: metric.name,
          unit: metric.unit ?? '',
          type,
          attributes: toRecord(point.attributes),
          value: Number(point.asInt ?? point.asDouble ?? point.sum ?? 0),
          count: point.count === undefined ? undefined : Number(point.count),
          bounds: point.explicitBounds,
          monotonic: type === 'sum' ? metric.sum?.isMonotonic === true : undefined,
        })),
      ),
    ),
  );
}

function toRecord(attributes: readonly OtlpKeyValue[] = []): AttributeRecord {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: OtlpValue): AttributeValue {
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(toValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
