import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dashboard as generated } from '../../scripts/dashboards/dashboard.ts';
import { SERIES, seriesOf } from '../../scripts/dashboards/prometheus-names.ts';
import { METRICS, type MetricDefinition } from '../../src/telemetry/names.ts';
import { mistakesIn, selectorsOf } from './promql.ts';
import { alerts, alertTests, dashboard, dashboardQueries, type Panel, runbook } from './shipped.ts';

/** What an operator must never be woken or misled by. */
const NOT_OBSERVED = /resilience_mode!="observe"/;

describe('The Grafana dashboard', () => {
  it('is what the generator makes of the names of today', () => {
    assert.deepEqual(dashboard(), JSON.parse(JSON.stringify(generated())), 'stale: npm run dashboards');
  });

  it('leaves out what observe mode would have done', () => {
    const queries = dashboardQueries().filter(({ where }) => !where.startsWith('variable'));
    for (const { where, expr } of queries) {
      for (const [, matchers = ''] of expr.matchAll(/\bresilience_\w+\{([^}]*)\}/g))
        assert.match(matchers, NOT_OBSERVED, where);
    }
  });

  it('leaves refused calls out of every latency, and tells in how many processes a circuit is open', () => {
    const latencies = dashboardQueries().filter(({ expr }) => expr.includes('execution_duration_seconds_bucket'));
    assert.equal(latencies.length, 3);
    for (const { expr } of latencies) assert.match(expr, /resilience_outcome!="rejected"/);
    assert.ok(dashboardQueries().some(({ expr }) => /by \(.*\binstance\b.*\)/.test(expr)));
  });

  it('asks only for series, labels and values that are emitted', () => {
    const mistakes = dashboardQueries().flatMap(({ where, expr }) => mistakesIn(expr).map((m) => `${where}: ${m}`));
    assert.deepEqual(mistakes, []);
  });

  it('shows every metric', () => {
    const asked = new Set(dashboardQueries().flatMap(({ expr }) => selectorsOf(expr).map(({ series }) => series)));
    const unseen = Object.values<MetricDefinition>(METRICS).filter((m) => !seriesOf(m).some((name) => asked.has(name)));
    assert.deepEqual(
      unseen.map(({ name }) => name),
      [],
    );
  });

  it('asks for its variables only, and names series by labels that its queries keep', () => {
    const builtIn = ['datasource', '__rate_interval', '__interval', '__range'];
    const known = new Set([...builtIn, ...dashboard().templating.list.map(({ name }) => name)]);
    for (const { where, expr } of dashboardQueries()) {
      const unknown = [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name).filter((name) => !known.has(name));
      assert.deepEqual(unknown, [], where);
    }
    for (const { title, targets = [] } of dashboard().panels) {
      for (const { expr, legendFormat } of targets) {
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          assert.match(expr, new RegExp(`by \\([^)]*\\b${label}\\b`), `${title}: ${label}`);
        }
      }
    }
  });

  it('lays its panels out without overlap, each with a description', () => {
    const { panels } = dashboard();
    const overlaps = (a: Panel, b: Panel): boolean =>
      a.gridPos.x < b.gridPos.x + b.gridPos.w &&
      b.gridPos.x < a.gridPos.x + a.gridPos.w &&
      a.gridPos.y < b.gridPos.y + b.gridPos.h &&
      b.gridPos.y < a.gridPos.y + a.gridPos.h;
    for (const [index, panel] of panels.entries()) {
      assert.ok(panel.gridPos.x + panel.gridPos.w <= 24, panel.title);
      assert.equal(panels.slice(index + 1).find((other) => overlaps(panel, other))?.title, undefined, panel.title);
      if (panel.type !== 'row') assert.ok(panel.description, panel.title);
    }
  });
});

const RUNBOOK = 'https://unpkg.com/opentelemetry-instrumentation-resilience/docs/runbook.md';

describe('The runbook', () => {
  it('names panels that there are, and buttons of the status page', () => {
    const known = new Set(['Probe now', 'Reset', ...dashboard().panels.map(({ title }) => title)]);
    const named = [...runbook().matchAll(/(?<!\*)\*([A-Z][^*]+)\*(?!\*)/g)].map(([, title = '']) => title);
    assert.ok(named.length > 5);
    const unknown = named.map((title) => title.replaceAll('\n', ' ')).filter((title) => !known.has(title));
    assert.deepEqual(unknown, []);
  });
});

describe('The alerts', () => {
  it('leave out what observe mode would have done', () => {
    for (const { alert, expr } of alerts()) {
      for (const { series, matchers } of selectorsOf(expr)) {
        const observed = matchers.find(({ label }) => label === 'resilience_mode');
        assert.deepEqual([observed?.operator, observed?.value], ['!=', 'observe'], `${alert}: ${series}`);
      }
    }
  });

  it('ask only for series, labels and values that are emitted', () => {
    assert.deepEqual(
      alerts().flatMap(({ alert, expr }) => mistakesIn(expr).map((mistake) => `${alert}: ${mistake}`)),
      [],
    );
  });

  it('lead to a section of the runbook each, and every section is led to', () => {
    const sections = [...runbook().matchAll(/^## (Resilience\w+)$/gm)].map(([, name = '']) => name);
    assert.deepEqual(
      sections,
      alerts().map(({ alert }) => alert),
    );
    for (const { alert, annotations } of alerts()) {
      assert.equal(annotations.runbook_url, `${RUNBOOK}#${alert.toLowerCase()}`);
      assert.ok(annotations.summary && annotations.description, alert);
    }
  });

  it('are tested each to fire, and then to clear', () => {
    const expectations = alertTests().flatMap((test) => test.alert_rule_test);
    for (const { alert } of alerts()) {
      const fires = expectations.filter(({ alertname }) => alertname === alert).map((e) => e.exp_alerts.length > 0);
      assert.ok(fires.includes(true), `${alert} fires`);
      assert.equal(fires.at(-1), false, `${alert} clears`);
    }
  });
});

describe('The check of queries', () => {
  const MISTAKEN = {
    resilience_circuit_status: ['series resilience_circuit_status'],
    'sum(rate(resilience_retries[5m]))': ['series resilience_retries'],
    'resilience_rejections_total{reason="x"}': ['resilience_rejections_total by reason'],
    'sum by (resilience_outcome) (resilience_retries_total)': ['grouped by resilience_outcome'],
    'resilience_upstream_status{resilience_upstream_state=~"healthy|ill"}': [
      'resilience_upstream_status with resilience_upstream_state ill',
    ],
    up: ['no series'],
  };
  for (const [query, mistakes] of Object.entries(MISTAKEN)) {
    it(`finds what is wrong with ${query}`, () => assert.deepEqual(mistakesIn(query), mistakes));
  }

  it('knows the names after the translation', () => {
    assert.ok(SERIES.has('resilience_execution_duration_seconds_bucket'));
    assert.ok(SERIES.has('resilience_circuit_breaker_failure_ratio'));
    assert.ok(SERIES.has('resilience_circuit_breaker_transitions_total'));
  });
});
