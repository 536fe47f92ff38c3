import type { EffectiveOption } from '../config/effective-options.ts';
import type { LoadedConfig, MatchedRule } from '../config/load-config.ts';
import type { Assignment } from '../strategies/shared/policy.ts';
import { type AskedCall, readCall } from './asked-call.ts';
import { EXIT, type Invocation } from './command.ts';
import { countOf, loadFile, problemText } from './config-input.ts';
import { type Cell, printable, table } from './layout.ts';
import type { Style, Terminal } from './terminal.ts';

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

/** Says which rule and policy decide about a call, and where each option in force comes from. */
export function explain({ terminal, operands, flags }: Invocation): number {
  const [file = '', method = '', url = ''] = operands;
  const call = readCall(method, url);
  const config = loadFile(file, terminal.env);
  const found = answer(config, call);
  if (flags.has('json')) terminal.out(JSON.stringify(asJson(file, found), undefined, 2));
  else terminal.out(asText(found, terminal));
  if (config.problems.length === 0) return EXIT.ok;
  if (!flags.has('json')) {
    terminal.err(`\n${terminal.style('red', `${printable(file)}: ${countOf(config.problems)}`)}`);
    for (const problem of config.problems) terminal.err(problemText(problem, terminal));
  }
  return EXIT.problems;
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

function asJson(file: string, { config, call, rule, assignment, options }: Answer): object {
  return {
    file,
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
  const rows = facts.map(([name, value]) => [{ text: name, style: paintedBy(terminal, 'dim') }, { text: value }]);
  const parts = [
    terminal.style('bold', printable(`${call.method} ${call.url}`)),
    '',
    table(rows, terminal.width, 1),
    ...(options.length === 0 ? [] : ['', optionTable(options, terminal)]),
  ];
  return parts.join('\n');
}

type Fact = readonly [name: string, value: string];

function underPolicy({ config, call, rule }: Answer, assignment: Assignment): Fact[] {
  return [
    ['rule', rule === undefined ? 'none matches: the default policy applies' : ruleText(rule)],
    ['policy', assignment.policy.name],
    ['upstream', upstreamOf(call, assignment)],
    ['mode', config.rules.mode === 'observe' ? 'observe: decides and records, changes nothing' : 'enforce'],
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

const SOURCE_STYLES: Readonly<Record<EffectiveOption['source'], Style | undefined>> = {
  default: 'dim',
  preset: 'cyan',
  file: 'green',
  environment: 'yellow',
  code: undefined,
};

function optionTable(options: readonly EffectiveOption[], terminal: Terminal): string {
  const bold = paintedBy(terminal, 'bold');
  const header: Cell[] = ['option', 'value', 'from'].map((text) => ({ text, style: bold }));
  const rows = options.map(({ path, written, source }): Cell[] => {
    const style = SOURCE_STYLES[source];
    const painted = style === undefined ? undefined : paintedBy(terminal, style);
    return [{ text: path }, { text: valueText(written) }, { text: source, style: painted }];
  });
  return table([header, ...rows], terminal.width, 1);
}

function paintedBy(terminal: Terminal, style: Style): (text: string) => string {
  return (text) => terminal.style(style, text);
}

function valueText(written: unknown): string {
  if (written === undefined) return '-';
  if (Array.isArray(written) && written.length > 0) return written.join(', ');
  return typeof written === 'string' ? written : JSON.stringify(written);
}
