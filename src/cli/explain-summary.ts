import type { LoadedConfig } from '../config/load-config.ts';
import { type Fact, factTable, optionTable } from './explain-tables.ts';
import { printable } from './layout.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT = 'default';

/** What is configured, without a call to ask about. */
export function summaryText(source: string, config: LoadedConfig, terminal: Terminal): string {
  const names = [...config.policies.keys()];
  const facts: Fact[] = config.enabled
    ? [
        ['mode', modeText(config)],
        ['policies', names.length === 0 ? 'none: nothing is protected' : names.join(', ')],
        ['options', `of the policy ${DEFAULT}, which applies where no rule matches`],
      ]
    : [['left alone', 'OTEL_RESILIENCE_ENABLED=false: nothing is patched']];
  const options = config.enabled && config.policies.has(DEFAULT) ? config.explain(DEFAULT) : [];
  return [
    terminal.style('bold', printable(`What ${source} configures`)),
    '',
    factTable(facts, terminal),
    ...(options.length === 0 ? [] : ['', optionTable(options, terminal)]),
  ].join('\n');
}

export function summaryAsJson(file: string | undefined, config: LoadedConfig): object {
  const options = config.policies.has(DEFAULT) ? config.explain(DEFAULT) : [];
  return {
    file: file ?? null,
    enabled: config.enabled,
    mode: config.rules.mode,
    policies: [...config.policies.keys()],
    options: options.map(({ path, written, source }) => ({ path, value: written ?? null, source })),
    problems: config.problems,
  };
}

export function modeText({ rules }: LoadedConfig): string {
  return rules.mode === 'observe' ? 'observe: decides and records, changes nothing' : 'enforce';
}
