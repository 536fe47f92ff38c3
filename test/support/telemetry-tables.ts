import {
  ATTRIBUTES,
  type AttributeDefinition,
  EVENTS,
  EXECUTION_SPAN,
  METRICS,
  type MetricDefinition,
} from '../../src/telemetry/names.ts';

/** The rows of the tables that documentation has of telemetry, from the one table of names. */

type AttributeKey = keyof typeof ATTRIBUTES;

const COMMON: readonly AttributeKey[] = [
  'policyName',
  'upstreamName',
  'serverAddress',
  'serverPort',
  'requestMethod',
  'mode',
  'requestId',
];

const code = (text: string) => `\`${text}\``;
const names = (keys: readonly AttributeKey[]) => keys.map((key) => code(ATTRIBUTES[key].name)).join(', ');

export function eventRows(): string[] {
  return Object.values(EVENTS).map(({ name, severity, description, attributes }) => {
    return `| ${code(name)} | ${severity} | ${description} | ${names(attributes)} |`;
  });
}

export function metricRows(): string[] {
  return Object.values(METRICS).map(({ name, instrument, unit, description, attributes }: MetricDefinition) => {
    const kind = instrument.replaceAll('_', ' ').replace('updowncounter', 'up-down counter');
    return `| ${code(name)} | ${kind}, ${code(unit)} | ${description} | ${names(attributes)} |`;
  });
}

export function attributeRows(): string[] {
  return Object.values<AttributeDefinition>(ATTRIBUTES).map(({ name, type, description, values }) => {
    const choices = values === undefined ? '' : values.map(code).join(', ');
    return `| ${code(name)} | ${type} | ${description} | ${choices} |`;
  });
}

/** Lines that name attributes in running text. */
export function attributeLists(): string[] {
  return [`${names(EXECUTION_SPAN.attributes)}.`, `${names(COMMON)}.`];
}
