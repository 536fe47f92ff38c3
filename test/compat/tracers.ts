import { createRequire } from 'node:module';
import path from 'node:path';
import type { Answer, Export, Intake } from './intake.ts';
import type { ToolName } from './tools.ts';

/** What a tracer told of: requests that came in, and attempts that went out. */
export interface Traced {
  readonly incoming: number;
  readonly outgoing: number;
}

/** A tracer, and how to read what it exports. */
export interface Tracer {
  readonly name: ToolName;
  readonly dependency: string;
  /** Its preload, of `fixtures/setup`. */
  readonly setup: string;
  readonly intake?: { readonly secure?: boolean; readonly answer?: Answer };
  env(intake: Intake): Record<string, string>;
  read(exports: readonly Export[], folder: string): Traced;
  /** The paths of attempts that it tells nothing of even without us. */
  readonly untold?: readonly string[];
  /** What it says on the console in this suite, with us or without. */
  readonly says?: RegExp;
  /** Its span is one of `fetch`, the function, not of what that sends. */
  readonly wrapsFetch?: boolean;
}

interface DatadogSpan {
  readonly type: string;
  readonly meta: Readonly<Record<string, string>>;
}

function datadog(name: ToolName): Tracer {
  return {
    name,
    dependency: 'dd-trace',
    setup: './setup/dd-trace.cjs',
    env: ({ port }) => ({
      DD_TRACE_AGENT_URL: `http://127.0.0.1:${port}`,
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      DD_TRACE_STATS_COMPUTATION_ENABLED: 'false',
      DD_TRACE_MIDDLEWARE_TRACING_ENABLED: 'false',
    }),
    read(exports, folder) {
      const { decode } = createRequire(path.join(folder, 'app.js'))('@msgpack/msgpack') as {
        decode(body: Buffer, options: object): unknown;
      };
      const spans = exports
        .filter(({ url }) => url.startsWith('/v0.4/traces'))
        .flatMap(({ body }) => (decode(body, { useBigInt64: true }) as DatadogSpan[][]).flat());
      // Connections and name resolutions have spans of that kind as well.
      const kinds = spans.filter(({ type }) => /^(?:web|http)$/.test(type)).map(({ meta }) => meta['span.kind']);
      return count(kinds, 'server', 'client');
    },
    wrapsFetch: true,
  };
}

const elastic: Tracer = {
  name: 'elastic-apm-node-4',
  dependency: 'elastic-apm-node',
  setup: './setup/elastic-apm-node.cjs',
  intake: { answer: (url) => (url === '/' ? { version: '8.15.0' } : {}) },
  env: ({ port }) => ({
    ELASTIC_APM_SERVER_URL: `http://127.0.0.1:${port}`,
    ELASTIC_APM_CENTRAL_CONFIG: 'false',
    ELASTIC_APM_CLOUD_PROVIDER: 'none',
    ELASTIC_APM_METRICS_INTERVAL: '0',
    // It would make one span of attempts that follow each other.
    ELASTIC_APM_SPAN_COMPRESSION_ENABLED: 'false',
    ELASTIC_APM_API_REQUEST_TIME: '1s',
    ELASTIC_APM_LOG_LEVEL: 'off',
  }),
  read(exports) {
    const kinds = exports.flatMap(({ url, body }) => {
      if (!url.startsWith('/intake/v2/events')) return [];
      const events = lines(body) as Array<{ transaction?: object; span?: { type?: string } }>;
      return events.map(({ transaction, span }) => (transaction === undefined ? span?.type : 'transaction'));
    });
    return count(kinds, 'transaction', 'external');
  },
  // It ends no span of a request without an answer.
  untold: ['/reset/http'],
};

function newrelic(name: ToolName): Tracer {
  const connected = {
    agent_run_id: '1',
    collect_traces: true,
    collect_span_events: true,
    collect_analytics_events: true,
    data_report_period: 1,
    account_id: '1',
    primary_application_id: '1',
    trusted_account_key: '1',
    // Of its own accord it keeps ten traces a minute.
    sampling_target: 120,
    event_harvest_config: { report_period_ms: 1000, harvest_limits: { span_event_data: 2000 } },
    span_event_harvest_config: { report_period_ms: 1000, harvest_limit: 2000 },
  };
  return {
    name,
    dependency: 'newrelic',
    setup: './setup/newrelic.cjs',
    intake: {
      secure: true,
      answer: (url, host) => {
        if (url.includes('method=preconnect')) return { return_value: { redirect_host: host } };
        return { return_value: url.includes('method=connect') ? connected : null };
      },
    },
    env: ({ port }) => ({
      NEW_RELIC_NO_CONFIG_FILE: 'true',
      NEW_RELIC_APP_NAME: 'shop',
      NEW_RELIC_LICENSE_KEY: '0123456789012345678901234567890123456789',
      NEW_RELIC_HOST: '127.0.0.1',
      NEW_RELIC_PORT: String(port),
      NEW_RELIC_DISTRIBUTED_TRACING_SAMPLER_ADAPTIVE_SAMPLING_TARGET: '120',
      NEW_RELIC_LOG_ENABLED: 'false',
      NEW_RELIC_UTILIZATION_DETECT_AWS: 'false',
      NEW_RELIC_UTILIZATION_DETECT_AZURE: 'false',
      NEW_RELIC_UTILIZATION_DETECT_GCP: 'false',
      NEW_RELIC_UTILIZATION_DETECT_DOCKER: 'false',
      NEW_RELIC_UTILIZATION_DETECT_KUBERNETES: 'false',
      NEW_RELIC_UTILIZATION_DETECT_PCF: 'false',
    }),
    read(exports) {
      const kinds = exports.flatMap(({ url, body }) => {
        if (!url.includes('method=span_event_data')) return [];
        const [, , events] = JSON.parse(body.toString()) as [string, object, Array<[Record<string, unknown>]>];
        return events.flatMap(([span]) => (span['nr.entryPoint'] === true ? 'entry' : String(span['span.kind'])));
      });
      return count(kinds, 'entry', 'client');
    },
  };
}

/** A line of an envelope: a transaction with its spans, or spans by themselves as of version 11. */
interface SentryItem {
  readonly type?: string;
  readonly contexts?: { readonly trace?: { readonly op?: string } };
  readonly spans?: ReadonlyArray<{ readonly op?: string }>;
  readonly items?: ReadonlyArray<{ readonly attributes?: Readonly<Record<string, { readonly value?: string }>> }>;
}

function sentryOperations({ type, contexts, spans, items }: SentryItem): Array<string | undefined> {
  if (items !== undefined) return items.map(({ attributes }) => attributes?.['sentry.op']?.value);
  if (type !== 'transaction' || spans === undefined) return [];
  return [contexts?.trace?.op, ...spans.map(({ op }) => op)];
}

function sentry(major: 8 | 9 | 10 | 11): Tracer {
  return {
    name: `sentry-${major}`,
    dependency: '@sentry/node',
    setup: './setup/sentry.cjs',
    env: ({ port }) => ({ SENTRY_DSN: `http://key@127.0.0.1:${port}/1` }),
    read(exports) {
      const kinds = exports.flatMap(({ body }) => (lines(body) as SentryItem[]).flatMap(sentryOperations));
      return count(kinds, 'http.server', 'http.client');
    },
    says: /^\[Sentry\] Initializing the SDK via the Node `--require` flag .*\n/,
  };
}

export const TRACERS: readonly Tracer[] = [
  datadog('dd-trace-5'),
  datadog('dd-trace-6'),
  newrelic('newrelic-13'),
  newrelic('newrelic-14'),
  elastic,
  sentry(8),
  sentry(9),
  sentry(10),
  sentry(11),
];

function count(kinds: ReadonlyArray<string | undefined>, incoming: string, outgoing: string): Traced {
  return {
    incoming: kinds.filter((kind) => kind === incoming).length,
    outgoing: kinds.filter((kind) => kind === outgoing).length,
  };
}

/** JSON, one value a line. */
function lines(body: Buffer): unknown[] {
  return body
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
