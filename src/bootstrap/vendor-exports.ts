/**
 * What telemetry of others sends: agents of vendors, and OpenTelemetry's exporters where no context manager carries their
 * wish not to be traced. It is left alone: a backend that is down must open no circuit, and nothing may refuse, retry or
 * delay what tells of an outage. It is known by what it asks for: paths that are an agent's alone, whatever host a proxy or
 * a configuration gives it; or a path that others may use as well, together with the name that the sender goes by.
 */
const AGENT_PATHS: readonly string[] = [
  '/agent_listener/', // New Relic: all that goes to its collector
  '/intake/v2/', // Elastic APM: events
  '/config/v1/agents', // Elastic APM: central configuration
  '/telemetry/proxy/', // Datadog, here and below: to its agent
  '/evp_proxy/',
  '/profiling/v1/input',
  '/debugger/v1/',
  '/dogstatsd/v2/proxy',
  '/tracer_flare/v1',
];
/** Datadog: traces, statistics, remote configuration, in the versions of its protocol. */
const DATADOG_PATH = /^\/v[01]\.\d{1,2}\/(?:traces|stats|config|pipeline_stats)(?:$|[?/])/;
/** Where Datadog's agent listens unless told. What it can do is asked for by a path that others may have too. */
const DATADOG_PORT = 8126;
const DATADOG_INFO = '/info';
/** Sentry, which also suppresses tracing from version 8 on: the project, and the key that its own clients send. */
const SENTRY_PATH = /^\/api\/\d+\/(?:envelope|store)\/\?(?:[^#]*&)?sentry_key=/;
/** OTLP over HTTP, below whatever path a collector or a vendor has it; and who sends it. */
const OTLP_PATH = /\/v1(?:development)?\/(?:traces|metrics|logs|profiles)(?:$|\?)/;
const OTLP_EXPORTER = /(?:^|\s)OTel-OTLP-Exporter-JavaScript\//;
/** Elastic APM asks for the version of its server at the root of it. */
const ELASTIC_AGENT = /^apm-agent-nodejs\//;

const FIRST_LETTERS = new Set(['v', 'a', ...AGENT_PATHS.map((path) => path.charAt(1))]);

/**
 * On the path of every call: the first looks decide for most. `fields`: the headers as the caller gave them to its client,
 * in whatever form that takes.
 */
export function isVendorExport(port: number, path: string, fields: unknown): boolean {
  if (path.length <= 1) return ELASTIC_AGENT.test(userAgent(fields));
  if (path.includes('/v1') && OTLP_PATH.test(path) && OTLP_EXPORTER.test(userAgent(fields))) return true;
  if (port === DATADOG_PORT && path === DATADOG_INFO) return true;
  if (!FIRST_LETTERS.has(path.charAt(1))) return false;
  return AGENT_PATHS.some((prefix) => path.startsWith(prefix)) || DATADOG_PATH.test(path) || SENTRY_PATH.test(path);
}

/** Empty if there is none. The senders of interest give an object, or names and values by turns. */
function userAgent(fields: unknown): string {
  if (typeof fields !== 'object' || fields === null) return '';
  const entries = Array.isArray(fields) ? pairs(fields) : Object.entries(fields);
  for (const [name, value] of entries) {
    if (name.toLowerCase() === 'user-agent') return String(value);
  }
  return '';
}

function pairs(fields: readonly unknown[]): ReadonlyArray<[string, unknown]> {
  return fields.flatMap((field, index) => {
    if (Array.isArray(field)) return [[String(field[0]), field[1]] as [string, unknown]];
    return index % 2 === 0 ? [[String(field), fields[index + 1]] as [string, unknown]] : [];
  });
}
