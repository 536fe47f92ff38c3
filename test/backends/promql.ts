import { SERIES, TARGET_LABELS, VALUES } from '../../scripts/dashboards/prometheus-names.ts';

/** What a query selects: a series, and the label matchers it does so by. */
export interface Selector {
  readonly series: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** Queries ask for nothing but ours, so every word with our prefix that is no label is a series. */
const SERIES_WORD = /(?<![\w.$/"])resilience_\w+(\{[^}]*\})?/g;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

export function groupedBy(query: string): readonly string[] {
  return [...query.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );
}

export function selectorsOf(query: string): readonly Selector[] {
  const withoutGroupings = query.replaceAll(GROUPING, '');
  return [...withoutGroupings.matchAll(SERIES_WORD)].map(([text, braces = '']) => ({
    series: text.slice(0, text.length - braces.length),
    matchers: [...braces.matchAll(MATCHER)].map(([, label = '', operator = '', value = '']) => ({
      label,
      operator,
      value,
    })),
  }));
}

/** What a query says that our telemetry does not: unknown series, labels they don't have, values that never occur. */
export function mistakesIn(query: string): readonly string[] {
  const selectors = selectorsOf(query);
  const known = new Set(selectors.flatMap(({ series }) => SERIES.get(series) ?? []));
  return [
    ...(selectors.length === 0 ? ['no series'] : []),
    ...selectors.flatMap(mistakesInSelector),
    ...groupedBy(query)
      .filter((label) => !known.has(label) && !TARGET_LABELS.includes(label))
      .map((label) => `grouped by ${label}`),
  ];
}

function mistakesInSelector({ series, matchers }: Selector): readonly string[] {
  const labels = SERIES.get(series);
  if (labels === undefined) return [`series ${series}`];
  return matchers.flatMap(({ label, operator, value }) => {
    if (TARGET_LABELS.includes(label)) return [];
    if (!labels.includes(label)) return [`${series} by ${label}`];
    const possible = VALUES.get(label);
    const asked = operator === '=' ? [value] : value.split('|');
    return asked
      .filter((one) => one !== '' && !one.includes('$') && possible?.includes(one) === false)
      .map((one) => `${series} with ${label} ${one}`);
  });
}
