import type { z } from 'zod';
import { type Problem, type ProblemSource, type Problems, show } from './problem.ts';
import { type DocumentInput, documentOptions, type RuleInput } from './schema/document.ts';
import { metaOf, type OptionMeta, type OptionShape } from './schema/option.ts';
import type { PolicyInput } from './schema/policy.ts';
import { didYouMean } from './suggest.ts';

/** What one source says, checked option by option: whatever is wrong is left out and told. */
export interface ReadDocument {
  readonly options: Omit<DocumentInput, 'policies' | 'rules'>;
  readonly policies: ReadonlyMap<string, PolicyInput>;
  readonly rules: readonly ReadRule[];
  /** It cannot be told which calls were meant to get what. */
  readonly unusable: boolean;
}

export interface ReadRule {
  readonly input: RuleInput;
  readonly path: string;
  readonly source: ProblemSource;
  /** Something in it is wrong; what is in `input` is right all the same. */
  readonly broken: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Tree = Record<string, unknown>;

const MAX_DEPTH = 32;
const MAX_NODES = 50_000;

/** Reads a document of one source. Hostile input (cycles, throwing getters, `__proto__`) becomes problems, too. */
export class DocumentReader {
  readonly #source: ProblemSource;
  readonly #problems: Problems;
  readonly #spell: (option: string) => string;
  readonly #functions: boolean;
  /** The policy being read, which is spoilt by what is wrong in it. */
  #policy: string | undefined;
  #mistakes = 0;

  constructor(source: 'file' | 'code', problems: Problems) {
    this.#source = source;
    this.#problems = problems;
    this.#spell = source === 'code' ? camelCase : (option) => option;
    this.#functions = source === 'code';
  }

  read(input: unknown): ReadDocument {
    const { policies, rules, ...options } = documentOptions;
    const known: Mutable<OptionShape> = { ...documentOptions };
    const nothing = { options: {}, policies: new Map<string, PolicyInput>(), rules: [], unusable: true };
    if (!isPlainObject(input)) {
      this.#report('configuration', `expected a map of options, got ${show(input)}`);
      return nothing;
    }
    const values = this.#entries(known, input, '');
    const named = this.#policies(metaOf(policies), values.policies);
    const list = this.#rules(metaOf(rules), values.rules);
    return {
      options: this.#options(options, values, ''),
      policies: named ?? new Map(),
      rules: list ?? [],
      unusable: named === undefined || list === undefined,
    };
  }

  #policies(meta: OptionMeta, value: unknown): Map<string, PolicyInput> | undefined {
    const path = this.#spell('policies');
    if (meta.form.kind !== 'named' || !this.#isMapOrNothing(value, path, meta)) return undefined;
    const read = new Map<string, PolicyInput>();
    for (const name of Object.keys(value ?? {})) {
      this.#policy = name;
      const policy = this.#policyOptions(meta.form.name, meta.form.item, value ?? {}, name);
      if (policy !== undefined) read.set(name, policy);
      this.#policy = undefined;
    }
    return read;
  }

  #policyOptions(names: z.ZodType, options: OptionShape, policies: Tree, name: string): PolicyInput | undefined {
    const path = join(this.#spell('policies'), name);
    if (name === '__proto__' || !names.safeParse(name).success) {
      this.#report(path, 'expected a policy name of 1 to 100 characters on one line, other than none');
      return undefined;
    }
    const policy = this.#property(policies, name, path);
    if (policy === null) return {};
    if (isPlainObject(policy)) return this.#section(options, policy, path);
    this.#report(path, `expected a map of options, got ${show(policy)}`);
    return undefined;
  }

  #rules(meta: OptionMeta, value: unknown): ReadRule[] | undefined {
    if (value === undefined || value === null) return [];
    const path = this.#spell('rules');
    if (meta.form.kind !== 'sections' || !Array.isArray(value) || value.length > meta.form.max) {
      this.#report(path, `expected ${meta.expects}, got ${show(value)}`);
      return undefined;
    }
    const { item } = meta.form;
    return Array.from(value as unknown[], (rule, index) => {
      const at = `${path}[${index}]`;
      const before = this.#mistakes;
      if (!isPlainObject(rule)) this.#report(at, `expected a map of options, got ${show(rule)}`);
      const input: RuleInput = isPlainObject(rule) ? this.#section(item, rule, at) : {};
      return { input, path: at, source: this.#source, broken: this.#mistakes > before };
    });
  }

  #section(options: OptionShape, value: Tree, path: string): Tree {
    return this.#options(options, this.#entries(options, value, path), path);
  }

  /** The values of `value` by the option's name in the schema. What is no option is reported and left out. */
  #entries(options: OptionShape, value: Tree, path: string): Tree {
    const bySpelling = new Map<string, string>();
    for (const name of Object.keys(options)) {
      if (this.#functions || metaOf(options[name] as z.ZodType).form.kind !== 'function') {
        bySpelling.set(this.#spell(name), name);
      }
    }
    const found: Tree = {};
    for (const key of Object.keys(value)) {
      const name = bySpelling.get(key);
      if (name === undefined) {
        this.#report(join(path, key), `unknown option${didYouMean(key, bySpelling.keys())}`);
      } else {
        found[name] = this.#property(value, key, join(path, key));
      }
    }
    return found;
  }

  #options(options: OptionShape, values: Tree, path: string): Tree {
    const read: Tree = {};
    for (const [name, schema] of Object.entries(options)) {
      // Undefined is what code passes for an option it leaves out.
      if (values[name] === undefined) continue;
      const value = this.#option(schema, values[name], join(path, this.#spell(name)));
      if (value !== undefined) read[name] = value;
    }
    return read;
  }

  #option(schema: z.ZodType, value: unknown, path: string): unknown {
    const meta = metaOf(schema);
    const { form } = meta;
    if (form.kind === 'section' || form.kind === 'switch') {
      // `circuit_breaker:` with nothing after it reads as null in YAML, and means: with its defaults.
      if (value === null) return {};
      if (isPlainObject(value)) return this.#section(form.options, value, path);
      // zod would take a Date or a Map for a map without options.
      if (form.kind === 'section' || typeof value === 'object') {
        this.#report(path, `expected ${meta.expects}, got ${show(value)}`);
        return undefined;
      }
    }
    return this.#value(schema, meta, value, path);
  }

  #value(schema: z.ZodType, meta: OptionMeta, value: unknown, path: string): unknown {
    try {
      const copy = meta.form.kind === 'function' ? value : copyData(value, { nodes: MAX_NODES }, MAX_DEPTH);
      const result = schema.safeParse(copy);
      if (result.success) return result.data;
    } catch (error) {
      this.#report(path, `cannot be read: ${error instanceof Error ? error.message : show(error)}`);
      return undefined;
    }
    this.#report(path, `expected ${meta.expects}, got ${shownItem(schema, value)}`);
    return undefined;
  }

  #isMapOrNothing(value: unknown, path: string, meta: OptionMeta): value is Tree | null | undefined {
    if (value === undefined || value === null || isPlainObject(value)) return true;
    this.#report(path, `expected ${meta.expects}, got ${show(value)}`);
    return false;
  }

  #property(value: Tree, key: string, path: string): unknown {
    try {
      return value[key];
    } catch (error) {
      this.#report(path, `cannot be read: ${error instanceof Error ? error.message : show(error)}`);
      return undefined;
    }
  }

  #report(path: string, message: string): void {
    this.#mistakes++;
    const problem: Problem = { path, message, source: this.#source };
    this.#problems.add(problem, this.#policy);
  }
}

export function camelCase(option: string): string {
  return option.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A path as one writes it: names that are no identifiers in brackets. */
export function join(path: string, name: string): string {
  if (!/^[\w-]{1,100}$/.test(name)) return `${path}[${show(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** In a list, the item that is wrong says more than "a list"; what may hold a password is not shown at all. */
function shownItem(schema: z.ZodType, value: unknown): string {
  if (!Array.isArray(value)) return show(value);
  const wrong = (value as unknown[]).find((item) => !schema.safeParse([item]).success);
  if (typeof wrong === 'string' && wrong.includes('://')) return 'another one';
  return wrong === undefined ? show(value) : `${show(wrong)} in it`;
}

function isPlainObject(value: unknown): value is Tree {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Another realm's Object.prototype (a vm context, jest) is as plain as ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Data without anything shared with the caller. Throws on cycles, depth and size out of all proportion. */
function copyData(value: unknown, budget: { nodes: number }, depth: number): unknown {
  if (depth === 0) throw new RangeError(`nested deeper than ${MAX_DEPTH}`);
  if (--budget.nodes < 0) throw new RangeError(`more than ${MAX_NODES} values`);
  if (Array.isArray(value)) return Array.from(value as unknown[], (item) => copyData(item, budget, depth - 1));
  if (!isPlainObject(value)) return value;
  const copy: Tree = {};
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new TypeError('__proto__ is no name for a value');
    copy[key] = copyData(value[key], budget, depth - 1);
  }
  return copy;
}
