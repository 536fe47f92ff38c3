import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { SERIES } from '../../scripts/dashboards/prometheus-names.ts';
import { CIRCUIT_STATES } from '../../src/telemetry/names.ts';
import { theOutage } from './outage.ts';
import type { Prometheus } from './prometheus.ts';
import { dashboardQueries } from './shipped.ts';

let prometheus: Prometheus;
let seen: Readonly<Record<string, readonly (number | string)[]>>;
before(async function () {
  this.timeout(120_000);
  const outage = await theOutage();
  ({ seen } = outage);
  ({ prometheus } = outage.stage);
});

describe('The scripted outage', () => {
  it('went as written', () => {
    const open = 'TypeError/fetch failed < CircuitOpenError/ERR_RESILIENCE_CIRCUIT_OPEN';
    const { bulkhead = [], limited = [], ...others } = seen;
    assert.deepEqual(others, {
      before: [200, 200, 200, 200],
      failing: [503, 503, 503, 503, 503, 503],
      rejected: [open, open, open],
      saved: [200],
      'out of budget': [503, 503, 503],
      degraded: [200, 200, 200],
      endpoint: [200, 200],
      hedged: [200],
      recovered: [200, 200],
    });
    assert.deepEqual(bulkhead.filter((status) => status === 200).length, 4);
    assert.match(String(bulkhead.find((status) => status !== 200)), /ERR_RESILIENCE_BULKHEAD_FULL/);
    assert.deepEqual(limited.slice(0, 2), [200, 200]);
    for (const status of limited.slice(2)) assert.match(String(status), /ERR_RESILIENCE_RATE_LIMITED/);
  });
});

const NOW =
  'resilience_circuit_breaker_status{job="shop",resilience_policy_name="payments",resilience_circuit_breaker_name="payments"}';
const DURING = (series: string): string => `max_over_time(${series}[10m])`;
const circuit = (state: string): string => NOW.replace('}', `,resilience_circuit_breaker_state="${state}"}`);
const payments = 'resilience_upstream_name="payments"';
const calls = (upstream: string, labels: string): string =>
  `resilience_execution_duration_seconds_count{resilience_policy_name="${upstream}",resilience_upstream_name="${upstream}",${labels}}`;
const transition = (from: string, to: string, reason: string): string =>
  `resilience_circuit_breaker_transitions_total{resilience_policy_name="payments",resilience_circuit_breaker_name="payments",` +
  `resilience_circuit_breaker_previous_state="${from}",resilience_circuit_breaker_state="${to}",resilience_circuit_breaker_transition_reason="${reason}"}`;
const bulkhead = (metric: string, state: string): string =>
  `resilience_bulkhead_${metric}{resilience_upstream_name="search",resilience_bulkhead_state="${state}"}`;
const total = (metric: string, upstream: string, labels: string): string =>
  `resilience_${metric}_total{resilience_policy_name="${upstream}",resilience_upstream_name="${upstream}",${labels}}`;

/** What each metric must say of the outage, in the end or during it. */
const EXPECTED: Readonly<Record<string, readonly (readonly [query: string, value: number])[]>> = {
  'the state of the circuit': [
    [circuit('closed'), 1],
    [circuit('open'), 0],
    [`sum(${NOW})`, 1],
    [`count(${NOW})`, CIRCUIT_STATES.length],
    [DURING(circuit('open')), 1],
    [DURING(circuit('half_open')), 1],
    [`min_over_time(${circuit('closed')}[10m])`, 0],
    [DURING(circuit('forced_open')), 0],
  ],
  'each transition, once': [
    [transition('closed', 'open', 'failure_ratio'), 1],
    [transition('open', 'half_open', 'open_elapsed'), 1],
    [transition('half_open', 'closed', 'probes_succeeded'), 1],
    ['sum(resilience_circuit_breaker_transitions_total)', 3],
  ],
  'the failure ratio the circuit opened on': [
    [DURING('resilience_circuit_breaker_failure_ratio{resilience_circuit_breaker_name="payments"}'), 0.6],
  ],
  'that the error ratio is that of the probes which closed the circuit': [
    // Six of the ten calls that were let through, and then two good ones.
    [DURING(`resilience_upstream_error_ratio{${payments}}`), 0.6],
    [`resilience_upstream_error_ratio{${payments}}`, 0],
    ['resilience_upstream_error_ratio{resilience_upstream_name="catalog"}', 1],
    ['resilience_upstream_error_ratio{resilience_upstream_name="search"}', 0],
  ],
  'the health of the upstream': [
    [DURING(`resilience_upstream_status{${payments},resilience_upstream_state="unhealthy"}`), 1],
    [`resilience_upstream_status{${payments},resilience_upstream_state="unhealthy"}`, 0],
    [`resilience_upstream_status{${payments},resilience_upstream_state="healthy"}`, 1],
  ],
  'the calls by outcome and error': [
    [calls('payments', 'resilience_outcome="success"'), 6],
    [calls('payments', 'resilience_outcome="failure",error_type="503"'), 6],
    [calls('payments', 'resilience_outcome="rejected",error_type="circuit_open"'), 3],
    [calls('orders', 'resilience_outcome="success"'), 1],
    [calls('orders', 'resilience_outcome="failure",error_type="503"'), 3],
    [calls('catalog', 'resilience_outcome="fallback"'), 3],
    [calls('inventory', 'resilience_outcome="fallback"'), 2],
    [calls('search', 'resilience_outcome="rejected",error_type="bulkhead_full"'), 1],
    ['sum(resilience_execution_duration_seconds_count)', 34],
    ['sum(resilience_execution_duration_seconds_bucket{le="+Inf"})', 34],
  ],
  'the refusals by reason': [
    [total('rejections', 'payments', 'resilience_rejection_reason="circuit_open"'), 3],
    [total('rejections', 'search', 'resilience_rejection_reason="bulkhead_full"'), 1],
    [total('rejections', 'ratings', 'resilience_rejection_reason="rate_limited"'), 2],
    ['sum(resilience_rejections_total)', 6],
  ],
  'the retries, and the budget running out': [
    [total('retries', 'orders', 'resilience_retry_reason="status_code"'), 4],
    ['min_over_time(resilience_retry_budget_remaining{resilience_upstream_name="orders"}[10m])', 0],
  ],
  'the fallbacks by source': [
    [total('fallbacks', 'catalog', 'resilience_fallback_source="degraded"'), 3],
    [total('fallbacks', 'inventory', 'resilience_fallback_source="endpoint"'), 2],
  ],
  'the hedge that won': [[total('hedges', 'quotes', 'resilience_hedge_outcome="won"'), 1]],
  'the bulkhead': [
    [DURING(bulkhead('usage', 'executing')), 2],
    [DURING(bulkhead('usage', 'queued')), 2],
    [bulkhead('usage', 'executing'), 0],
    [bulkhead('limit', 'executing'), 2],
    [bulkhead('limit', 'queued'), 2],
    ['resilience_bulkhead_wait_duration_seconds_count{resilience_upstream_name="search"}', 2],
    // They waited for as long as Prometheus took to see them.
    ['resilience_bulkhead_wait_duration_seconds_sum{resilience_upstream_name="search"} > bool 0', 1],
    ['resilience_bulkhead_wait_duration_seconds_bucket{resilience_upstream_name="search",le="0.005"}', 0],
  ],
};

describe('PromQL after the outage', () => {
  for (const [what, queries] of Object.entries(EXPECTED)) {
    it(`tells ${what}`, async () => {
      for (const [query, value] of queries) await prometheus.becomes(query, value);
    });
  }

  it('knows every series by the name and labels that dashboard and alerts use, and no other of ours', async () => {
    const ours = (await prometheus.names()).filter((name) => name.startsWith('resilience_'));
    assert.deepEqual(ours.toSorted(), [...SERIES.keys()].toSorted());
    for (const [series, labels] of SERIES) {
      const present = await prometheus.labelsOf(series);
      // Only what an upstream in observe mode reports has the mode, and none here is.
      const ofScope = /^(__name__|job|instance|otel_scope_\w+)$/;
      assert.deepEqual(
        present.filter((label) => !ofScope.test(label)).toSorted(),
        labels.filter((label) => label !== 'resilience_mode').toSorted(),
        series,
      );
    }
  });

  it('has an answer to every query of the dashboard', async () => {
    const variables: Record<string, string> = {
      job: 'shop',
      upstream: '.*',
      __rate_interval: '5m',
      __interval: '5m',
      __range: '10m',
    };
    for (const { where, expr } of dashboardQueries()) {
      const promql = expr.replaceAll(/\$(\w+)/g, (_, name: string) => variables[name] ?? name);
      const samples = await prometheus.query(promql);
      // Now that all is well, no circuit is open; and counters that appear with their first increment have no increase yet.
      const quiet = /> 0$/.test(promql) || where.startsWith('Open ') || where === 'Unhealthy upstreams';
      if (!quiet) assert.notEqual(samples.length, 0, `${where}: ${promql}`);
    }
  });

  it('evaluates the alerts', async () => {
    const rules = await prometheus.rules();
    assert.equal(rules.length, 7);
    for (const { name, health, lastError } of rules) assert.equal(health, 'ok', `${name}: ${lastError}`);
  });
});
