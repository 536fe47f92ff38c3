import type { z } from 'zod';
import { type Problems, show } from './problem.ts';
import type { ReadDocument } from './read.ts';
import { documentOptions } from './schema/document.ts';
import { metaOf, type OptionMeta, type OptionShape, type TextForm } from './schema/option.ts';
import { type PolicyInput, policyOptions } from './schema/policy.ts';
import { type Environment, optionVariables, PREFIX, SETTING_NAMES, variable } from './settings.ts';
import { didYouMean } from './suggest.ts';

/** An option that a variable can set. */
export interface VariableOption {
  /** From the policy or, for options outside policies, from the top of the document. */
  readonly path: readonly string[];
  readonly schema: z.ZodType;
  readonly meta: OptionMeta;
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

function collect(options: OptionShape, path: readonly string[], inPolicy: boolean, into: Map<string, VariableOption>) {
  for (const [name, schema] of Object.entries(options)) {
    const meta = metaOf(schema);
    const { form } = meta;
    const here = [...path, name];
    if (form.kind === 'value' || form.kind === 'switch') {
      into.set(variableName(here), { path: here, schema, meta, inPolicy });
    }
    if (form.kind === 'section' || form.kind === 'switch') collect(form.options, here, inPolicy, into);
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
      // Says nothing about any option there is, so it spoils none: it may be meant for another version of us.
      const message = `unknown variable${didYouMean(name, [...known.keys(), ...SETTING_NAMES])}`;
      problems.add({ path: name, message, source: 'environment' });
      continue;
    }
    const value = readVariable(name, option, variable(env, name) as string, problems);
    if (value === false && option.meta.form.kind === 'switch') off.push(option);
    else if (value !== undefined) put(option.inPolicy ? policy : options, option.path, value);
  }
  // Off wins over details, which an image may bring along that a deployment switches off.
  for (const { path } of off) put(policy, path, false);
  const policies = new Map<string, PolicyInput>();
  if (Object.keys(policy).length > 0) policies.set('default', policy as PolicyInput);
  return { options, policies, rules: [], unusable: false };
}

/** Undefined where the text is not what the option takes. */
function readVariable(name: string, option: VariableOption, text: string, problems: Problems): unknown {
  const { form, expects } = option.meta;
  const textForm = form.kind === 'value' ? form.text : 'scalar';
  for (const candidate of candidates(textForm, text)) {
    const result = option.schema.safeParse(candidate);
    if (result.success && result.data !== undefined) return result.data;
  }
  const got = textForm === 'scalar' ? `, got ${show(text)}` : ''; // a list of URLs may hold a password
  const message = `expected ${form.kind === 'switch' ? 'true or false' : expects}${got}`;
  problems.add({ path: name, message, source: 'environment' }, option.inPolicy ? 'default' : undefined);
  return undefined;
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
