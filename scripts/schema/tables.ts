import { variableOptions } from '../../src/config/environment.ts';
import { documentOptions } from '../../src/config/options/document.ts';
import { policyOptions } from '../../src/config/options/policy.ts';
import type { Option, OptionTable } from '../../src/config/schema/option.ts';
import { PREFIX, SETTINGS } from '../../src/config/settings.ts';
import { code, defaultText, listOptions, takes, valueText } from './describe.ts';

/** The generated tables of README and docs/configuration.md by the name in their markers. */
export const TABLES: Readonly<Record<string, () => string>> = {
  'policy-options': () => optionTable(policyOptions),
  'top-level-options': () => optionTable(outsidePolicies()),
  strategies: strategyTable,
  settings: settingTable,
  variables: variableTable,
};

function outsidePolicies(): OptionTable {
  const { policies, rules, ...others } = documentOptions;
  return others;
}

function optionTable(options: OptionTable): string {
  const rows = listOptions(options).map(({ path, option }) => {
    const only = option.onlyWith;
    const limit = only === undefined ? '' : ` Only with ${code(`${only.option}: ${only.value}`)}.`;
    return [code(path.join('.')), takes(option), defaultText(option) ?? '', option.description + limit];
  });
  return table(['option', 'value', 'default', 'meaning'], rows);
}

/** One row per strategy, as short as README wants it. */
function strategyTable(): string {
  const rows = Object.entries(policyOptions).flatMap(([name, option]: [string, Option]) => {
    if (option.form !== 'section' && option.form !== 'switch') return [];
    const runs = option.form === 'section' ? 'always' : 'if named';
    const builtIn = name === 'circuit_breaker' ? ', and in the built-in default policy' : '';
    return [[code(name), runs + builtIn, membersText(option.options)]];
  });
  rows.push(['outside of policies', '', membersText(outsidePolicies())]);
  return table(['strategy', 'runs', 'options and their defaults'], rows);
}

function membersText(options: OptionTable): string {
  return Object.entries(options)
    .map(([name, option]) => memberText(name, option))
    .join(', ');
}

function memberText(name: string, option: Option): string {
  switch (option.form) {
    case 'section':
      return `${code(`${name}: ${flowText(option.options)}`)}${otherVariants(option.options)}`;
    case 'switch':
      return `${code(`${name}: off`)} or ${code(flowText(option.options))}`;
    case 'function':
      return `in code also ${code(name)}`;
    default:
      if (option.defaultWords !== undefined) return `${code(name)} (${option.defaultWords})`;
      return code(option.default === undefined ? name : `${name}: ${valueText(option.default)}`);
  }
}

/** `{ duration: 10s, multiplier: 2 }`, with what belongs to `variant`, or to the default one. */
function flowText(options: OptionTable, variant?: string): string {
  const members = Object.entries(options).flatMap(([name, { onlyWith, default: otherwise }]) => {
    const isDiscriminator = Object.values(options).some((of) => of.onlyWith?.option === name);
    const wanted = variant ?? options[onlyWith?.option ?? '']?.default;
    if (onlyWith !== undefined && onlyWith.value !== wanted) return [];
    const value = isDiscriminator ? (variant ?? otherwise) : otherwise;
    return [value === undefined ? name : `${name}: ${valueText(value)}`];
  });
  return `{ ${members.join(', ')} }`;
}

function otherVariants(options: OptionTable): string {
  const others = new Set<string>();
  for (const { onlyWith } of Object.values(options)) {
    if (onlyWith !== undefined && onlyWith.value !== options[onlyWith.option]?.default) others.add(onlyWith.value);
  }
  const texts = [...others].map((variant) => {
    const own = Object.entries(options).filter(([name, { onlyWith }]) => {
      return onlyWith?.value === variant || Object.values(options).some((of) => of.onlyWith?.option === name);
    });
    return ` or ${code(flowText(Object.fromEntries(own), variant))}`;
  });
  return texts.join('');
}

function settingTable(): string {
  const rows = SETTINGS.map(({ name, choices, takes: words, description }) => {
    return [code(PREFIX + name), choices?.map(code).join(', ') ?? words ?? '', description];
  });
  const example = `${PREFIX}CIRCUIT_BREAKER_MINIMUM_CALLS=5`;
  rows.push([
    code(`${PREFIX}<OPTION>`),
    'as in the file',
    `Any option of the default policy by its path: ${code(example)}.`,
  ]);
  return table(['variable', 'values, default first', 'meaning'], rows);
}

const SPELLINGS = {
  scalar: '',
  list: ', separated by commas',
  pairs: ', as `name=value,name=value` with percent-encoded values',
  json: ', as JSON',
} as const;

function variableTable(): string {
  const rows = [...variableOptions()].map(([name, { option }]) => {
    if (option.form === 'switch') return [code(name), 'true or false'];
    return [code(name), option.kind.brief + SPELLINGS[option.kind.text]];
  });
  return table(['variable', 'value'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The text with what stands between its markers replaced by the tables. */
export function withTables(text: string): string {
  return text.replace(
    /(<!-- generated: ([\w-]+)[^\n]*-->\n)[\s\S]*?(<!-- end of \2 -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const make = TABLES[name];
      return make === undefined ? whole : `${begin}\n${make()}\n\n${end}`;
    },
  );
}
