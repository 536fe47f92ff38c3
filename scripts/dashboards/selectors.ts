import { ATTRIBUTES, METRICS } from '../../src/telemetry/names.ts';
import { labelOf, seriesOf } from './prometheus-names.ts';

type MetricName = keyof typeof METRICS;
type LabelOf<M extends MetricName> = (typeof METRICS)[M]['attributes'][number];
/** Text to match labels with: `=x`, `!=x`, `=~x`; by default what the dashboard's variables choose. */
type Matchers<M extends MetricName> = { readonly [L in LabelOf<M>]?: string };

const CHOSEN: Readonly<Record<string, string>> = { upstreamName: '=~$upstream', circuitName: '=~($upstream)(/.*)?' };

/**
 * The series of a metric that somebody looks at: of the chosen services and upstreams, and of what was really done. In
 * observe mode a series carries `resilience_mode="observe"`; series without that label match `!=`, as they should.
 */
export function select<M extends MetricName>(metric: M, matchers: Matchers<M> = {}, part?: 'bucket' | 'count'): string {
  const definition = METRICS[metric];
  const name = seriesOf(definition).find((series) => part === undefined || series.endsWith(`_${part}`));
  const attributes: readonly string[] = definition.attributes;
  const chosen = Object.entries(CHOSEN).filter(([label]) => attributes.includes(label));
  const all = [
    ['job', '=~$job'],
    [label('mode'), '!=observe'],
    ...Object.entries({ ...Object.fromEntries(chosen), ...(matchers as Record<string, string>) }).map(([key, text]) => [
      label(key as keyof typeof ATTRIBUTES),
      text,
    ]),
  ];
  return `${name}{${all.map(([key, text = '']) => `${key}${quoted(text)}`).join(',')}}`;
}

function quoted(text: string): string {
  const [, operator, value] = /^(=~|!~|!=|=)(.*)$/.exec(text) ?? [];
  return `${operator}"${value}"`;
}

/** An attribute as Prometheus has it. */
export function label(key: keyof typeof ATTRIBUTES): string {
  return labelOf(ATTRIBUTES[key].name);
}

/** As it stands in a legend. */
export function legend(...keys: (keyof typeof ATTRIBUTES)[]): string {
  return keys.map((key) => `{{${label(key)}}}`).join(' ');
}

/** `sum by (a, b) (…)`. */
export function by(
  operator: string,
  keys: readonly (keyof typeof ATTRIBUTES | 'le' | 'job' | 'instance')[],
  of: string,
): string {
  const names = keys.map((key) => (key in ATTRIBUTES ? label(key as keyof typeof ATTRIBUTES) : key));
  return `${operator} by (${names.join(', ')}) (${of})`;
}

export function rate(of: string, range = '$__rate_interval'): string {
  return `rate(${of}[${range}])`;
}

/** Every call of the app, or those that ended so. */
export function callsThatEnded(outcome?: string): string {
  return select('executionDuration', outcome === undefined ? {} : { outcome }, 'count');
}

export const REFUSING = '=~open|forced_open';
export const PLAIN = 'Series of observe mode are left out: nothing was refused there.';
