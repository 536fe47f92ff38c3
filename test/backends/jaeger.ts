import { eventually } from './backend.ts';

interface KeyValue {
  readonly key: string;
  readonly value: string | number | boolean;
}

interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  /** Microseconds since the epoch. */
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly KeyValue[];
  readonly warnings: readonly string[] | null;
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly KeyValue[] }[];
}

interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
}

export type Tags = Readonly<Record<string, string | number | boolean>>;

/** A span as Jaeger shows it. */
export interface ShownSpan {
  readonly name: string;
  readonly id: string;
  readonly parent: string | undefined;
  /** The ids of the spans it links to. */
  readonly links: readonly string[];
  readonly start: number;
  readonly tags: Tags;
  /** What Jaeger finds wrong with it: a parent that is missing, times that cannot be. */
  readonly warnings: readonly string[];
  /** Span events; the name is in `event`. */
  readonly logs: readonly Tags[];
}

export interface ShownTrace {
  readonly id: string;
  readonly spans: readonly ShownSpan[];
}

/** What the search page of Jaeger asks of its server. */
export interface Search {
  readonly service: string;
  readonly operation?: string;
  /** As typed into the field *Tags*. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Jaeger's JSON API: what its own pages use. */
export class Jaeger {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async traces({ service, operation, tags }: Search): Promise<readonly ShownTrace[]> {
    const query = new URLSearchParams({ service, lookback: '1h', limit: '100' });
    if (operation !== undefined) query.set('operation', operation);
    if (tags !== undefined) query.set('tags', JSON.stringify(tags));
    return (await this.#get<readonly JaegerTrace[]>(`/api/traces?${query}`)).map(shown);
  }

  /** The trace as its own page shows it. */
  async trace(id: string): Promise<ShownTrace> {
    const [found] = await this.#get<readonly JaegerTrace[]>(`/api/traces/${id}`);
    if (found === undefined) throw new Error(`no trace ${id}`);
    return shown(found);
  }

  async operations(service: string): Promise<readonly string[]> {
    return this.#get(`/api/services/${encodeURIComponent(service)}/operations`);
  }

  /** Spans arrive in batches: asks until so many traces are found. */
  async find(search: Search, traces = 1): Promise<readonly ShownTrace[]> {
    return eventually(`${traces} traces of ${JSON.stringify(search)} in Jaeger`, 20_000, async () => {
      const found = await this.traces(search);
      return found.length >= traces && found;
    });
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(5_000) });
    const body = (await response.json()) as { data?: T; errors?: unknown };
    if (!response.ok || body.data === undefined) throw new Error(`Jaeger, ${path}: ${JSON.stringify(body)}`);
    return body.data;
  }
}

function shown({ traceID, spans }: JaegerTrace): ShownTrace {
  return {
    id: traceID,
    spans: spans
      .map((span) => ({
        name: span.operationName,
        id: span.spanID,
        parent: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
        links: span.references.flatMap(({ refType, spanID }) => (refType === 'FOLLOWS_FROM' ? [spanID] : [])),
        start: span.startTime,
        tags: tagsOf(span.tags),
        warnings: span.warnings ?? [],
        logs: span.logs.map(({ fields }) => tagsOf(fields)),
      }))
      .sort((a, b) => a.start - b.start),
  };
}

function tagsOf(list: readonly KeyValue[]): Tags {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}
