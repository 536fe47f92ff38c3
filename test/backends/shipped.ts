import { readFileSync } from 'node:fs';
import path from 'node:path';
import YAML from 'yaml';

export const ROOT = path.resolve(__dirname, '../../..');
export const ALERTS = path.join(ROOT, 'dashboards/prometheus/alerts.yml');
export const ALERT_TESTS = path.join(ROOT, 'dashboards/prometheus/alerts.test.yml');

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

export interface AlertTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
}

export interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly format?: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

export function alerts(): readonly Alert[] {
  const { groups } = YAML.parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

export function alertTests(): readonly AlertTest[] {
  return (YAML.parse(readFileSync(ALERT_TESTS, 'utf8')) as { tests: AlertTest[] }).tests;
}

export function runbook(): string {
  return readFileSync(path.join(ROOT, 'docs/runbook.md'), 'utf8');
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(path.join(ROOT, 'dashboards/grafana/resilience.json'), 'utf8')) as Dashboard;
}

/** Every query of the dashboard, by where it is. */
export function dashboardQueries(): readonly { readonly where: string; readonly expr: string }[] {
  const { panels, templating, annotations } = dashboard();
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
    ...annotations.list.map(({ expr }) => ({ where: 'annotation', expr })),
    ...templating.list.flatMap(({ name, definition = '' }) => {
      const [, expr] = /^label_values\((.*), \w+\)$/.exec(definition) ?? [];
      return expr === undefined ? [] : [{ where: `variable ${name}`, expr }];
    }),
  ];
}
