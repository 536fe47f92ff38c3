import path from 'node:path';
import type { ClientName, Expectation, Wrapper } from './protocol.ts';

type Targets = Readonly<Partial<Record<ClientName, number>>>;

/** What is in the client's process besides the client. To add a row to the tables, add a variant. */
export interface Variant {
  readonly name: string;
  readonly clients: readonly ClientName[];
  /** Modules given to `--require`, in order. */
  readonly preloads: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The YAML file its `OTEL_RESILIENCE_CONFIG_FILE` names. */
  readonly configuration?: (upstream: URL) => string;
  readonly wrapper?: Wrapper;
  /** Upstreams it has called before it is measured. */
  readonly upstreams?: number;
  /** The variant it is compared with besides `bare`. */
  readonly against?: string;
  /** Highest ratio of CPU per call that is aimed at: to `against`, else to `bare`. */
  readonly targets?: Targets;
}

export interface RejectionVariant extends Variant {
  readonly expect: Exclude<Expectation, 'answered'>;
}

const EVERY: readonly ClientName[] = ['http', 'fetch', 'undici'];
/** As users have it: the bundled file. */
export const REGISTER = path.join(__dirname, '../../dist/register.js');
const SDK = path.join(__dirname, 'sdk-preload.js');
const INSTRUMENTED = { BENCH_INSTRUMENTATIONS: 'on' };

const CLOSED: Targets = { http: 1.05, fetch: 1.03, undici: 1.03 };
const ARMED: Targets = { http: 1.1, fetch: 1.05, undici: 1.05 };

export const BARE = 'bare';

/** What costs nothing measurable: no policy for the very upstream. */
const noPolicyFor = ({ host }: URL): string => `rules:\n  - match: { url: 'http://${host}/*' }\n    policy: none\n`;

export const ONE_OPTION = { OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '20s' };
export const YAML = 'policies:\n  default:\n    circuit_breaker: { open: { duration: 20s } }\n';

/** Calls that are answered. */
export const VARIANTS: readonly Variant[] = [
  { name: BARE, clients: EVERY, preloads: [] },
  {
    name: 'ours, policy none',
    clients: EVERY,
    preloads: [REGISTER],
    configuration: noPolicyFor,
    targets: { http: 1.02, fetch: 1.02, undici: 1.02 },
  },
  { name: 'ours, telemetry off', clients: EVERY, preloads: [REGISTER], targets: CLOSED },
  { name: 'ours, one option set', clients: ['http'], preloads: [REGISTER], env: ONE_OPTION, targets: CLOSED },
  { name: 'ours, YAML file', clients: ['http'], preloads: [REGISTER], configuration: () => YAML, targets: CLOSED },
  {
    name: 'ours, 10,000 upstreams',
    clients: ['http'],
    preloads: [REGISTER],
    env: { OTEL_RESILIENCE_UPSTREAMS_MAX: '20000' },
    upstreams: 10_000,
    targets: CLOSED,
  },
  {
    name: 'ours, retry armed',
    clients: EVERY,
    preloads: [REGISTER],
    env: { OTEL_RESILIENCE_RETRY_MAX_RETRIES: '1' },
    targets: ARMED,
  },
  {
    name: 'ours, preset standard',
    clients: EVERY,
    preloads: [REGISTER],
    env: { OTEL_RESILIENCE_PRESET: 'standard' },
    targets: ARMED,
  },
  {
    name: 'ours, cache capture',
    clients: EVERY,
    preloads: [REGISTER],
    env: { OTEL_RESILIENCE_FALLBACK_CACHE_STALE_IF_ERROR: '1h' },
    targets: { http: 1.15, fetch: 1.15, undici: 1.15 },
  },
  { name: 'ours, SDK', clients: EVERY, preloads: [REGISTER, SDK] },
  { name: "OTel's instrumentation", clients: EVERY, preloads: [SDK], env: INSTRUMENTED },
  {
    name: "OTel's instrumentation + ours",
    clients: EVERY,
    preloads: [REGISTER, SDK],
    env: INSTRUMENTED,
    against: "OTel's instrumentation",
    targets: { http: 1.03, fetch: 1.03, undici: 1.03 },
  },
  { name: 'opossum', clients: ['fetch'], preloads: [], wrapper: 'opossum' },
  { name: 'cockatiel', clients: ['fetch'], preloads: [], wrapper: 'cockatiel' },
];

/** Calls that get nowhere. */
export const REJECTIONS: readonly RejectionVariant[] = [
  { name: 'bare, connection refused', clients: EVERY, preloads: [], expect: 'refused' },
  { name: 'ours, circuit open', clients: EVERY, preloads: [REGISTER], expect: 'rejected' },
  { name: 'opossum around it, open', clients: EVERY, preloads: [], wrapper: 'opossum', expect: 'rejected' },
  { name: 'cockatiel around it, open', clients: EVERY, preloads: [], wrapper: 'cockatiel', expect: 'rejected' },
];

export const TARGET_DECISION_NS = 200;
export const TARGET_BYTES_PER_UPSTREAM = 2_048;
