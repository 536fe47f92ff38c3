/**
 * What agents of vendors send of their own. Like OpenTelemetry's exports, which say so by their context, it is left alone:
 * a backend that is down must open no circuit, and none may refuse, retry or delay what tells of an outage. Agents carry
 * no such sign, so they are known by what they ask for: paths that are theirs alone, whatever host a proxy or a
 * configuration gives them.
 */
const AGENT_PATHS: readonly string[] = [
  '/agent_listener/', // New Relic: all that goes to its collector
  '/intake/v2/', // Elastic APM: events
  '/config/v1/agents', // Elastic APM: central configuration
  '/telemetry/proxy/', // Datadog, here and below: to its agent
  '/evp_proxy/',
  '/profiling/v1/input',
  '/debugger/v1/',
];
/** Datadog: traces, statistics, remote configuration, in the versions of its protocol. */
const DATADOG_PATH = /^\/v0\.\d{1,2}\/(?:traces|stats|config|pipeline_stats)(?:$|[?/])/;
/** Where Datadog's agent listens unless told; asked for `/info` there. */
const DATADOG_PORT = 8126;
/** Sentry, which also suppresses tracing from version 8 on: the project, and the key that its own clients send. */
const SENTRY_PATH = /^\/api\/\d+\/(?:envelope|store)\/\?(?:[^#]*&)?sentry_key=/;

const FIRST_LETTERS = new Set(['v', 'a', ...AGENT_PATHS.map((path) => path.charAt(1))]);

/** On the path of every call: most have another first letter. */
export function isVendorExport(port: number, path: string): boolean {
  if (port === DATADOG_PORT) return true;
  if (!FIRST_LETTERS.has(path.charAt(1))) return false;
  return AGENT_PATHS.some((prefix) => path.startsWith(prefix)) || DATADOG_PATH.test(path) || SENTRY_PATH.test(path);
}
