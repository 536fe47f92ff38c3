import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import YAML from 'yaml';
import { AppUnderTest } from '../e2e/app-under-test.ts';
import { Upstream } from '../support/upstream.ts';
import { atTheEnd, type Stage, theStage } from './stage.ts';

/** The app's `service.name`: the service in Jaeger, the `job` in Prometheus. */
export const SERVICE = 'shop';

/** The upstreams of the app, each named by a rule and under a policy of its own name. */
const NAMES = ['payments', 'orders', 'catalog', 'inventory', 'search', 'ratings', 'quotes', 'backup'] as const;
type Name = (typeof NAMES)[number];

/** What the app saw, step by step: statuses, or names of errors. */
export interface Outage {
  readonly stage: Stage;
  readonly seen: Readonly<Record<string, readonly (number | string)[]>>;
  /** `host:port` of the fallback endpoint. */
  readonly backup: string;
}

let outage: Promise<Outage> | undefined;

/** The scripted outage, played once for all tests of the run. */
export function theOutage(): Promise<Outage> {
  outage ??= play();
  return outage;
}

function configuration(upstreams: Readonly<Record<Name, Upstream>>): object {
  const rules = NAMES.filter((name) => name !== 'backup').map((name) => ({
    name,
    match: { url: `${upstreams[name].url}/*` },
    policy: name,
  }));
  return {
    rules,
    policies: {
      payments: {
        circuit_breaker: {
          window: { type: 'count', size: 10 },
          minimum_calls: 10,
          // Long enough for many scrapes, so that Prometheus sees the open circuit.
          open: { duration: '8s', jitter: 0 },
          half_open: { successes: 2 },
        },
      },
      // Four further attempts, and then none for 40 s.
      orders: {
        retry: {
          max_retries: 2,
          backoff: { base: '10ms', max: '10ms' },
          budget: { ratio: 0, min_per_second: 0.1, window: '40s' },
        },
      },
      catalog: { fallback: { response: { status: 200, json: { items: [], status: 'degraded' } } } },
      inventory: { circuit_breaker: {}, fallback: { endpoints: [upstreams.backup.url] } },
      search: { bulkhead: { max_concurrent: 2, max_queue: 2, queue_timeout: '10s' } },
      ratings: { rate_limiter: { permits: 2, interval: '60s' } },
      quotes: { hedge: { delay: '50ms' }, admission: {} },
    },
  };
}

async function play(): Promise<Outage> {
  const stage = await theStage();
  const started = await Promise.all(NAMES.map(async (name) => [name, await Upstream.start()] as const));
  const upstreams = Object.fromEntries(started) as Record<Name, Upstream>;
  atTheEnd(() => Promise.all(started.map(([, upstream]) => upstream.close())));
  const app = startApp(stage, configuration(upstreams));
  const seen: Record<string, readonly (number | string)[]> = {};
  const call = async (step: string, name: Name, calls: number, concurrent = false): Promise<void> => {
    seen[step] = await app.call(`${upstreams[name].url}/items/1`, calls, concurrent);
  };
  await trip(upstreams, call);
  await retry(upstreams, call);
  await substitute(upstreams, call);
  await limit(stage, upstreams, call);
  await hedge(upstreams, call);
  await recover(stage, upstreams, call);
  if (app.stderr !== '') throw new Error(`the app wrote to stderr: ${app.stderr}`);
  return { stage, seen, backup: new URL(upstreams.backup.url).host };
}

function startApp(stage: Stage, config: object): AppUnderTest {
  const folder = mkdtempSync(path.join(tmpdir(), 'resilience-outage-'));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'resilience.yaml');
  writeFileSync(file, YAML.stringify(config));
  const app = new AppUnderTest({
    client: 'fetch',
    env: {
      OTEL_SERVICE_NAME: SERVICE,
      OTEL_EXPORTER_OTLP_ENDPOINT: stage.collectorUrl,
      OTEL_RESILIENCE_CONFIG_FILE: file,
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '400',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BLRP_SCHEDULE_DELAY: '100',
    },
  });
  atTheEnd(() => app.end());
  return app;
}

type Upstreams = Readonly<Record<Name, Upstream>>;
type Call = (step: string, name: Name, calls: number, concurrent?: boolean) => Promise<void>;

/** Six failures of ten calls open the circuit, which then refuses three. */
async function trip({ payments }: Upstreams, call: Call): Promise<void> {
  await call('before', 'payments', 4);
  payments.status = 503;
  await call('failing', 'payments', 6);
  await call('rejected', 'payments', 3);
}

/** One call that a second attempt saves, and then an outage that takes what is left of the budget, and more. */
async function retry({ orders }: Upstreams, call: Call): Promise<void> {
  orders.status = 503;
  orders.once('request', () => {
    orders.status = 200;
  });
  await call('saved', 'orders', 1);
  orders.status = 503;
  await call('out of budget', 'orders', 3);
}

async function substitute({ catalog, inventory }: Upstreams, call: Call): Promise<void> {
  catalog.status = 500;
  inventory.status = 502;
  await call('degraded', 'catalog', 3);
  await call('endpoint', 'inventory', 2);
}

/**
 * Two calls run until Prometheus has seen them and the two that wait for them, one is refused; then two calls more than a
 * limiter lets through.
 */
async function limit({ prometheus }: Stage, { search }: Upstreams, call: Call): Promise<void> {
  const release = search.hold();
  const calls = call('bulkhead', 'search', 5, true);
  const usage = (state: string): string =>
    `resilience_bulkhead_usage{resilience_upstream_name="search",resilience_bulkhead_state="${state}"}`;
  try {
    await prometheus.becomes(usage('executing'), 2);
    await prometheus.becomes(usage('queued'), 2);
  } finally {
    release();
  }
  await calls;
  await call('limited', 'ratings', 4);
}

/** One call that stalls, and is answered by its hedge. */
async function hedge({ quotes }: Upstreams, call: Call): Promise<void> {
  quotes.delayMs = 5_000;
  quotes.once('request', () => quotes.once('request', () => (quotes.delayMs = 0)));
  await call('hedged', 'quotes', 1);
}

/** As soon as Prometheus tells that the circuit would let a probe through, two of them close it. */
async function recover({ prometheus }: Stage, { payments }: Upstreams, call: Call): Promise<void> {
  payments.status = 200;
  const selector = 'resilience_circuit_breaker_name="payments",resilience_circuit_breaker_state="half_open"';
  await prometheus.becomes(`resilience_circuit_breaker_status{${selector}}`, 1);
  await call('recovered', 'payments', 2);
}
