import { ATTRIBUTES, METRICS, type MetricDefinition } from '../../src/telemetry/names.ts';

/**
 * Names as Prometheus has them after the translation that its OTLP receiver and the Collector's exporters make by
 * default (underscores, with suffixes): https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 * The tests with a real Collector hold this to what it does.
 */

/** As a label. */
export function labelOf(attribute: string): string {
  return attribute.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

/** The series that a metric becomes. */
export function seriesOf({ name, instrument, unit }: MetricDefinition): readonly string[] {
  const base = labelOf(name);
  switch (instrument) {
    case 'histogram':
      return ['bucket', 'sum', 'count'].map((part) => `${withUnit(base, unit)}_${part}`);
    case 'counter':
    case 'observable_counter':
      return [`${withUnit(base, unit)}_total`];
    case 'observable_gauge':
      return [unit === '1' && !base.endsWith('_ratio') ? `${base}_ratio` : withUnit(base, unit)];
    case 'observable_updowncounter':
      return [withUnit(base, unit)];
  }
}

/** Units in braces are annotations, and so left out; `1` is told on gauges only. */
function withUnit(base: string, unit: string): string {
  return unit === 's' ? `${base}_seconds` : base;
}

/** Every series there can be, with the labels its own metric gives it. */
export const SERIES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values<MetricDefinition>(METRICS).flatMap((metric) =>
    seriesOf(metric).map((series) => [
      series,
      [
        ...metric.attributes.map((key) => labelOf(ATTRIBUTES[key].name)),
        // In observe mode only, on all of them.
        labelOf(ATTRIBUTES.mode.name),
        ...(series.endsWith('_bucket') ? ['le'] : []),
      ],
    ]),
  ),
);

/** Values of the labels that have a closed set of them. */
export const VALUES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.values<{ readonly name: string; readonly values?: readonly string[] }>(ATTRIBUTES).flatMap(
    ({ name, values }) => (values === undefined ? [] : [[labelOf(name), values]]),
  ),
);

/** What Prometheus adds to every series. */
export const TARGET_LABELS: readonly string[] = ['job', 'instance'];
