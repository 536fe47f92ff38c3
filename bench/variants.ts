import path from 'node:path';
import type { ClientName, Expectation, Wrapper } from './protocol.ts';

/** What is in the client's process besides the client. To add a row to the tables, add a variant. */
export interface Variant {
  readonly name: string;
  readonly clients: readonly ClientName[];
  /** Modules given to `--require`, in order. */
  readonly preloads: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly wrapper?: Wrapper;
  /** The variant it is compared with besides `bare`. */
  readonly against?: string;
}

export interface RejectionVariant extends Variant {
  readonly expect: Exclude<Expectation, 'answered'>;
}

const EVERY: readonly ClientName[] = ['http', 'fetch', 'undici'];
const REGISTER = path.join(__dirname, '../src/register.js');
const SDK = path.join(__dirname, 'sdk-preload.js');
const INSTRUMENTED = { BENCH_INSTRUMENTATIONS: 'on' };

export const BARE = 'bare';

/** Calls that are answered. */
export const VARIANTS: readonly Variant[] = [
  { name: BARE, clients: EVERY, preloads: [] },
  { name: 'ours, telemetry off', clients: EVERY, preloads: [REGISTER] },
  { name: 'ours, SDK', clients: EVERY, preloads: [REGISTER, SDK] },
  { name: 'OTel client instrumentation', clients: EVERY, preloads: [SDK], env: INSTRUMENTED },
  {
    name: 'OTel client instrumentation + ours',
    clients: EVERY,
    preloads: [REGISTER, SDK],
    env: INSTRUMENTED,
    against: 'OTel client instrumentation',
  },
  { name: 'ours, retry armed', clients: EVERY, preloads: [REGISTER], env: { OTEL_RESILIENCE_RETRY_MAX_RETRIES: '1' } },
  { name: 'ours, preset standard', clients: EVERY, preloads: [REGISTER], env: { OTEL_RESILIENCE_PRESET: 'standard' } },
  {
    name: 'ours, cache capture',
    clients: EVERY,
    preloads: [REGISTER],
    env: { OTEL_RESILIENCE_FALLBACK_CACHE_STALE_IF_ERROR: '1h' },
  },
  { name: 'opossum', clients: ['fetch'], preloads: [], wrapper: 'opossum' },
  { name: 'cockatiel', clients: ['fetch'], preloads: [], wrapper: 'cockatiel' },
];

/** Calls that get nowhere. */
export const REJECTIONS: readonly RejectionVariant[] = [
  { name: 'bare, connection refused', clients: EVERY, preloads: [], expect: 'refused' },
  { name: 'ours, circuit open', clients: EVERY, preloads: [REGISTER], expect: 'rejected' },
  { name: 'opossum, open', clients: ['fetch'], preloads: [], wrapper: 'opossum', expect: 'rejected' },
  { name: 'cockatiel, open', clients: ['fetch'], preloads: [], wrapper: 'cockatiel', expect: 'rejected' },
];

/** Highest ratio to `bare` that is aimed at, with telemetry off. */
export const TARGET_RATIOS: Readonly<Record<ClientName, number>> = { http: 1.05, fetch: 1.03, undici: 1.03 };
/** The same with every strategy armed and nothing failing. */
export const TARGET_RATIOS_ARMED: Readonly<Record<ClientName, number>> = { http: 1.1, fetch: 1.05, undici: 1.05 };
export const TARGET_DECISION_NS = 200;
export const TARGET_REGISTER_MS = 20;
