import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import YAML from 'yaml';
import { AppUnderTest } from '../e2e/app-under-test.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { eventually, freePorts } from './backend.ts';
import { Prometheus } from './prometheus.ts';
import { ALERTS, dashboardQueries } from './shipped.ts';
import { atTheEnd, startCollector, startPrometheus } from './stage.ts';

/** Time goes so much faster for the rules than it does for an operator: two minutes are four seconds. */
const FASTER = 30;
const DURATION = /(\[|for: )(\d+)m\b/g;
/** Slower than any refusal, faster than any timeout. Between two bounds of the histogram: 0.1 and 0.25 s. */
const UPSTREAM_MS = 150;
const TOKEN = 'a token';

/** The services of the test, one for each thing that can be told of an upstream. */
type Service = 'trial' | 'shop' | 'held';

let prometheus: Prometheus;
const apps = new Map<Service, { readonly app: AppUnderTest; readonly upstream: Upstream }>();

/** The shipped rules with nothing changed but that every minute in them is two seconds. */
function fasterRules(): string {
  return readFileSync(ALERTS, 'utf8').replaceAll(DURATION, (_, before, minutes) => {
    return `${before}${(Number(minutes) * 60) / FASTER}s`;
  });
}

async function startApp(service: Service, collectorUrl: string, env: Record<string, string>): Promise<void> {
  const upstream = await Upstream.start();
  const app = new AppUnderTest({
    client: 'fetch',
    env: {
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '400',
      // Probed every second, so that there are calls to time all along.
      OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_DURATION: '1s',
      OTEL_RESILIENCE_CIRCUIT_BREAKER_OPEN_MULTIPLIER: '1',
      OTEL_RESILIENCE_CIRCUIT_BREAKER_CONSECUTIVE_FAILURES: '5',
      ...env,
    },
  });
  let ending = false;
  const calls = (async () => {
    // Calls all along, at most 50 a second.
    while (!ending) {
      await app.call(upstream.url, 5);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  apps.set(service, { app, upstream });
  atTheEnd(async () => {
    ending = true;
    await calls;
    await app.end();
    await upstream.close();
  });
}

async function forceOpen(page: string, circuit: string): Promise<void> {
  await eventually(`${circuit} is forced open`, 20_000, async () => {
    const { ok } = await fetch(`http://${page}/circuits/force-open`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: circuit }),
    });
    return ok;
  });
}

const upstreamOf = (service: Service): Upstream => {
  const found = apps.get(service);
  if (found === undefined) throw new Error(`no ${service}`);
  return found.upstream;
};

const firing = async (service: Service): Promise<readonly string[]> => {
  const samples = await prometheus.query(`ALERTS{job="${service}",alertstate="firing"}`);
  return samples.map(({ labels }) => labels.alertname ?? '').toSorted();
};

const untilFires = (service: Service, alert: string): Promise<unknown> =>
  eventually(`${alert} fires for ${service}`, 90_000, async () => (await firing(service)).includes(alert));

before(async function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'resilience-faster-alerts-'));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  const rules = path.join(folder, 'alerts.yml');
  writeFileSync(rules, fasterRules());
  const receiver = await OtlpReceiver.start();
  atTheEnd(() => receiver.close());
  const [otlp = 0, metrics = 0, port = 0, page = 0] = await freePorts(4);
  // Nobody asks for traces here.
  await startCollector({ otlp, metrics, jaegerUrl: receiver.url, receiver });
  await startPrometheus({ folder, port, metrics, rules });
  prometheus = new Prometheus(`http://127.0.0.1:${port}`);
  const collectorUrl = `http://127.0.0.1:${otlp}`;
  await startApp('trial', collectorUrl, { OTEL_RESILIENCE_MODE: 'observe' });
  await startApp('shop', collectorUrl, {});
  const status = { OTEL_RESILIENCE_STATUS: `127.0.0.1:${page}`, OTEL_RESILIENCE_STATUS_TOKEN: TOKEN };
  await startApp('held', collectorUrl, status);
  for (const service of ['trial', 'shop'] as const) {
    Object.assign(upstreamOf(service), { status: 503, delayMs: UPSTREAM_MS });
  }
  await forceOpen(`127.0.0.1:${page}`, upstreamOf('held').url);
});

describe('The shipped alerts, evaluated by a real Prometheus 30 times as fast', function () {
  this.timeout(120_000);

  it('are the shipped ones but for their times', () => {
    const withoutTimes = (text: string): unknown => YAML.parse(text.replaceAll(/(\[|for: )\d+[ms]\b/g, '$1'));
    const shipped = readFileSync(ALERTS, 'utf8');
    assert.deepEqual(withoutTimes(fasterRules()), withoutTimes(shipped));
    assert.equal(shipped.match(DURATION)?.length, fasterRules().match(/(\[|for: )\d+s\b/g)?.length);
  });

  it('fire for an upstream that fails every call, in enforce mode', async () => {
    await untilFires('shop', 'ResilienceCircuitOpen');
    await untilFires('shop', 'ResilienceUpstreamErrorRatioHigh');
    assert.deepEqual(await firing('shop'), ['ResilienceCircuitOpen', 'ResilienceUpstreamErrorRatioHigh']);
  });

  it('fire for a circuit that somebody holds open, and say that it was by hand', async () => {
    await untilFires('held', 'ResilienceCircuitForcedOpen');
    assert.deepEqual(await firing('held'), ['ResilienceCircuitForcedOpen']);
  });

  it('keep silent in observe mode, though the upstream fails every call and its circuit is open', async () => {
    // Both apps have been calling for the same time: what fires for one had its chance to fire for the other.
    await untilFires('shop', 'ResilienceUpstreamErrorRatioHigh');
    await untilFires('held', 'ResilienceCircuitForcedOpen');
    const trial = 'job="trial",resilience_mode="observe"';
    const open = `resilience_circuit_breaker_status{${trial},resilience_circuit_breaker_state="open"}`;
    assert.ok(((await prometheus.value(`avg_over_time(${open}[4s])`)) ?? 0) > 0.5, 'its circuit is open');
    assert.equal(await prometheus.value(`resilience_upstream_error_ratio{${trial}}`), 1);
    // Neither firing nor pending at any time.
    assert.deepEqual(await prometheus.query('count_over_time(ALERTS{job="trial"}[10m])'), []);
  });
});

describe('The dashboard in an outage', function () {
  this.timeout(120_000);

  it('has a 95th percentile of the calls that were made, not of those that were refused', async () => {
    const panel = dashboardQueries().find(({ where }) => where === '95th percentile of call duration');
    const variables: Record<string, string> = { job: 'shop', upstream: '.*', __rate_interval: '10s' };
    const query = panel?.expr.replaceAll(/\$(\w+)/g, (_, name: string) => variables[name] ?? name) ?? '';
    const refused = 'resilience_outcome="rejected"';
    const share = `sum(rate(resilience_execution_duration_seconds_count{job="shop",${refused}}[10s])) / sum(rate(resilience_execution_duration_seconds_count{job="shop"}[10s]))`;
    await eventually('nearly all calls of the last ten seconds were refused', 60_000, async () => {
      return ((await prometheus.value(share)) ?? 0) > 0.9;
    });
    // Probes take as long as the upstream does; it stands in the bucket of 0.1 to 0.25 s, or above on a busy machine.
    assert.ok(((await prometheus.value(query)) ?? 0) * 1_000 > 100, query);
    const all = query.replace(',resilience_outcome!="rejected"', '');
    assert.notEqual(all, query);
    assert.ok(((await prometheus.value(all)) ?? 1) < 0.1, 'with refusals it would look fast');
  });
});
