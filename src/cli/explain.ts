import type { EffectiveOption } from '../config/effective-options.ts';
import { type LoadedConfig, loadConfig, type MatchedRule } from '../config/load-config.ts';
import type { Assignment } from '../strategies/shared/policy.ts';
import { type AskedCall, readCall } from './asked-call.ts';
import { EXIT, type Invocation } from './command.ts';
import { countOf, loadFile, problemText } from './config-input.ts';
import { modeText, summaryAsJson, summaryText } from './explain-summary.ts';
import { type Fact, factTable, optionTable } from './explain-tables.ts';
import { printable } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** What would be done about a call. */
interface Answer {
  readonly config: LoadedConfig;
  readonly call: AskedCall;
  /** Undefined: none matches. */
  readonly rule: MatchedRule | undefined;
  /** Undefined: the call is left alone. */
  readonly assignment: Assignment | undefined;
  readonly options: readonly EffectiveOption[];
}

/**
 * Says which rule and policy decide about a call, and where each option in force comes from; without a call, what there is
 * to decide with. Without a file, as this environment has it.
 */
export function explain({ terminal, operands, flags }: Invocation): number {
  const { file, call } = readOperands(operands);
  const config = file === undefined ? loadConfig({ env: terminal.env }) : loadFile(file, terminal.env);
  const source = file ?? 'this environment';
  const json = flags.has('json');
  if (call === undefined) {
    terminal.out(
      json ? JSON.stringify(summaryAsJson(file, config), undefined, 2) : summaryText(source, config, terminal),
    );
  } else {
    const found = answer(config, call);
    terminal.out(json ? JSON.stringify(asJson(file, found), undefined, 2) : asText(found, terminal));
  }
  if (config.problems.length === 0) return EXIT.ok;
  if (!json) {
    terminal.err(`\n${terminal.style('red', `${printable(source)}: ${countOf(config.problems)}`)}`);
    for (const problem of config.problems) terminal.err(problemText(problem, terminal));
  }
  return EXIT.problems;
}

/** `[file] [METHOD url]`: two operands are a call, and one is a file. */
function readOperands(operands: readonly string[]): { file?: string; call?: AskedCall } {
  const call = operands.slice(operands.length >= 3 ? 1 : 0);
  const [file] = operands;
  const named = operands.length === 2 || file === undefined ? {} : { file };
  if (call.length < 2) return named;
  const [method = '', url = ''] = call;
  return { ...named, call: readCall(method, url) };
}

function answer(config: LoadedConfig, call: AskedCall): Answer {
  const { origin, method, path } = call;
  // What the engine itself would ask.
  const { fixed, match } = config.rules.forOrigin(origin);
  const assignment = fixed === undefined ? match(method, path) : fixed.assignment;
  return {
    config,
    call,
    rule: config.ruleFor(origin, method, path),
    assignment,
    options: assignment === undefined ? [] : config.explain(assignment.policy.name),
  };
}

function asJson(file: string | undefined, { config, call, rule, assignment, options }: Answer): object {
  return {
    file: file ?? null,
    method: call.method,
    url: call.url,
    enabled: config.enabled,
    mode: config.rules.mode,
    rule: rule === undefined ? null : ruleAsJson(rule),
    policy: assignment?.policy.name ?? null,
    upstream: assignment === undefined ? null : upstreamOf(call, assignment),
    parameters: assignment?.groups(call.url) ?? {},
    options: options.map(({ path, written, source }) => ({ path, value: written ?? null, source })),
    problems: config.problems,
  };
}

function ruleAsJson({ path, source, name, url, methods, policy }: MatchedRule): object {
  return { path, source, name, url, methods: methods && [...methods], policy: policy ?? 'none' };
}

function upstreamOf({ origin }: AskedCall, { upstream }: Assignment): string {
  return upstream ?? origin.name;
}

function asText(found: Answer, terminal: Terminal): string {
  const { call, assignment, options } = found;
  const facts = assignment === undefined ? leftAlone(found) : underPolicy(found, assignment);
  const parts = [
    terminal.style('bold', printable(`${call.method} ${call.url}`)),
    '',
    factTable(facts, terminal),
    ...(options.length === 0 ? [] : ['', optionTable(options, terminal)]),
  ];
  return parts.join('\n');
}

function underPolicy({ config, call, rule }: Answer, assignment: Assignment): Fact[] {
  return [
    ['rule', rule === undefined ? 'none matches: the default policy applies' : ruleText(rule)],
    ['policy', assignment.policy.name],
    ['upstream', upstreamOf(call, assignment)],
    ['mode', modeText(config)],
    ...Object.entries(assignment.groups(call.url)).map(([name, value]): Fact => [`path.${name}`, value]),
  ];
}

/** Why nothing is done about the call. */
function leftAlone({ config, rule }: Answer): Fact[] {
  if (!config.enabled) return [['left alone', 'OTEL_RESILIENCE_ENABLED=false: nothing is patched']];
  if (rule === undefined) {
    return [
      ['rule', 'none matches'],
      ['policy', 'the default policy is off because of problems in the configuration: left alone'],
    ];
  }
  const broken = config.problems.some(({ path }) => path === rule.path || path.startsWith(`${rule.path}.`));
  const why = broken
    ? 'the rule has problems: left alone'
    : rule.policy === undefined
      ? 'none: left alone'
      : `${rule.policy} is off because of problems in it: left alone`;
  return [
    ['rule', ruleText(rule)],
    ['policy', why],
  ];
}

function ruleText({ path, name, url, methods, source }: MatchedRule): string {
  const named = name === undefined ? path : `${path} (${name})`;
  const given = methods === undefined ? [] : [[...methods].join(', ')];
  const from = source === 'file' ? [] : [`from ${source}`];
  return [named, ...given, url ?? 'every URL', ...from].join('  ');
}
