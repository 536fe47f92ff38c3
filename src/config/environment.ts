import { type ReadDocument, TOP_LEVEL_EFFECTS } from './document-reader.ts';
import { documentOptions } from './options/document.ts';
import { type PolicyInput, policyOptions } from './options/policy.ts';
import type { Effect, Problems } from './problem.ts';
import { show } from './problem.ts';
import type { TextForm } from './schema/kind.ts';
import { type OptionTable, type SwitchOption, switchPosition, type ValueOption } from './schema/option.ts';
import { type Environment, optionVariables, PREFIX, SETTING_NAMES, variable } from './settings.ts';
import { didYouMean, suggest } from './suggest.ts';
import { wrongKind } from './wrong-value.ts';

/** An option that a variable can set. */
export interface VariableOption {
  /** From the policy or, for options outside policies, from the top of the document. */
  readonly path: readonly string[];
  readonly option: ValueOption<unknown> | SwitchOption<OptionTable>;
  readonly inPolicy: boolean;
}

type Tree = { [option: string]: unknown };

/** Every variable there is for an option, by name, derived from the schema: the path in capitals. */
export function variableOptions(): ReadonlyMap<string, VariableOption> {
  const variables = new Map<string, VariableOption>();
  const { mode, policies, rules, ...topLevel } = documentOptions; // mode is a setting, the others have no text form
  collect(topLevel, [], false, variables);
  collect(policyOptions, [], true, variables);
  return variables;
}

function collect(options: OptionTable, path: readonly string[], inPolicy: boolean, into: Map<string, VariableOption>) {
  for (const [name, option] of Object.entries(options)) {
    const here = [...path, name];
    if (option.form === 'value' || option.form === 'switch') {
      into.set(variableName(here), { path: here, option, inPolicy });
    }
    if (option.form === 'section' || option.form === 'switch') collect(option.options, here, inPolicy, into);
  }
}

export function variableName(path: readonly string[]): string {
  return PREFIX + path.join('_').toUpperCase();
}

/** What the environment says of the default policy and of the options outside policies. */
export function readEnvironment(env: Environment, problems: Problems): ReadDocument {
  const options: Tree = {};
  const policy: Tree = {};
  const off: VariableOption[] = [];
  const known = variableOptions();
  for (const name of optionVariables(env)) {
    const option = known.get(name);
    if (option === undefined) {
      reportUnknown(name, [...known.keys(), ...SETTING_NAMES], problems);
      continue;
    }
    const value = readVariable(name, option, variable(env, name) as string, problems);
    if (value === false && option.option.form === 'switch') off.push(option);
    else if (value !== undefined) put(option.inPolicy ? policy : options, option.path, value);
  }
  // Off wins over details, which an image may bring along that a deployment switches off.
  for (const { path } of off) put(policy, path, false);
  const policies = new Map<string, PolicyInput>();
  if (Object.keys(policy).length > 0) policies.set('default', policy as PolicyInput);
  return { options, policies, rules: [], unusable: false };
}

/** It may be meant for another version of us, so it invalidates nothing. */
function reportUnknown(name: string, known: readonly string[], problems: Problems): void {
  const meant = suggest(name, known);
  const message = meant === undefined ? 'unknown variable' : `unknown variable (did you mean ${meant}?)`;
  problems.add({ path: name, message, source: 'environment' }, { kind: 'ignored', meant });
}

const DEFAULT_POLICY_OFF: Effect = { kind: 'policy_off', policy: 'default' };

/** Undefined where the text is not what the option takes. */
function readVariable(
  name: string,
  { path, option, inPolicy }: VariableOption,
  text: string,
  problems: Problems,
): unknown {
  const textForm = option.form === 'value' ? option.kind.text : 'scalar';
  for (const candidate of candidates(textForm, text)) {
    const value = option.form === 'value' ? option.kind.parse(candidate) : switchedTo(candidate);
    if (value !== undefined) return value;
  }
  const message = option.form === 'value' ? wrongText(option, textForm, text) : wrongSwitch(text);
  const effect = inPolicy ? DEFAULT_POLICY_OFF : (TOP_LEVEL_EFFECTS[path.join('.')] ?? { kind: 'ignored' });
  problems.add({ path: name, message, source: 'environment' }, effect);
  return undefined;
}

function switchedTo(given: unknown): object | false | undefined {
  const position = switchPosition(given);
  return position === true ? {} : position;
}

function wrongSwitch(text: string): string {
  return `expected true or false, got ${show(text)}${didYouMean(text, ['true', 'false', 'on', 'off'])}`;
}

function wrongText({ kind }: ValueOption<unknown>, form: TextForm, text: string): string {
  if (form === 'scalar') return wrongKind(kind, text);
  if (form === 'list') return wrongKind(kind, candidates(form, text).at(-1));
  return `expected ${kind.expects}`; // pairs and JSON may hold secrets
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const name of path.slice(0, -1)) {
    if (at[name] === false) return;
    at = at[name] = (at[name] ?? {}) as Tree;
  }
  const last = path.at(-1) as string;
  const before = at[last];
  // `..._RETRY=true` beside `..._RETRY_METHODS=GET` adds nothing, in whatever order they come.
  const details = typeof before === 'object' && before !== null;
  if (!(details && typeof value === 'object' && !Array.isArray(value))) at[last] = value;
}

/** What a text may stand for, likeliest first: `5` is a number to most options and a text to some. */
function candidates(form: TextForm, text: string): unknown[] {
  if (form === 'scalar') return [scalar(text), text];
  if (form === 'json') return [parseJson(text)];
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (form === 'list') return [items.map(scalar), items];
  return [pairs(items)];
}

function scalar(text: string): unknown {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower === 'true';
  return lower === 'on' || lower === 'off' ? lower : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `name=value,name=value` with percent-encoded values, as `OTEL_EXPORTER_OTLP_HEADERS` has them. */
function pairs(items: readonly string[]): unknown {
  const fields: [string, string][] = [];
  for (const item of items) {
    const equals = item.indexOf('=');
    const name = item.slice(0, equals).trim();
    if (equals < 1 || name === '__proto__') return undefined;
    try {
      fields.push([name, decodeURIComponent(item.slice(equals + 1).trim())]);
    } catch {
      return undefined;
    }
  }
  return Object.fromEntries(fields);
}
