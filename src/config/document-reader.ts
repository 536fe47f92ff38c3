import type { DocumentInput, RuleInput } from './options/document.ts';
import { documentOptions } from './options/document.ts';
import type { PolicyInput } from './options/policy.ts';
import { copyData, isPlainObject, type Tree } from './plain-data.ts';
import { type Effect, type Keys, messageOf, type Problems, show } from './problem.ts';
import { expectationOf, type ListOption, type Option, type OptionTable, switchPosition } from './schema/option.ts';
import { camelCase, pathText } from './spelling.ts';
import { didYouMean, suggest } from './suggest.ts';
import { wrongValue } from './wrong-value.ts';

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
  /** `rules`, and its place in the list. */
  readonly keys: Keys;
  readonly source: 'file' | 'code';
  /** Something in it is wrong; what is in `input` is right all the same. */
  readonly broken: boolean;
}

const IGNORED: Effect = { kind: 'ignored' };
/** What follows from a wrong value of an option outside policies. */
export const TOP_LEVEL_EFFECTS: Readonly<Record<string, Effect>> = {
  mode: { kind: 'mode' },
  credential_headers: { kind: 'credentials_unknown' },
};

const DEFAULT_OFF: Effect = { kind: 'default_off' };

/** Reads a document of one source. Hostile input (cycles, throwing getters, `__proto__`) becomes problems, too. */
export class DocumentReader {
  readonly #source: 'file' | 'code';
  readonly #problems: Problems;
  /** What follows from a mistake where the reader is now. */
  #effect: Effect = IGNORED;
  #mistakes = 0;

  constructor(source: 'file' | 'code', problems: Problems) {
    this.#source = source;
    this.#problems = problems;
  }

  read(input: unknown): ReadDocument {
    const { policies, rules, ...options } = documentOptions;
    if (!isPlainObject(input)) {
      this.#effect = DEFAULT_OFF;
      this.#report([], `expected a map of options, got ${show(input)}`);
      return { options: {}, policies: new Map(), rules: [], unusable: true };
    }
    const values = this.#entries(documentOptions, input, []);
    this.#effect = DEFAULT_OFF;
    const named = this.#policies(values.policies);
    this.#effect = DEFAULT_OFF;
    const list = this.#rules(values.rules);
    this.#effect = IGNORED;
    return {
      options: this.#options(options, values, []),
      policies: named ?? new Map(),
      rules: list ?? [],
      unusable: named === undefined || list === undefined,
    };
  }

  #policies(given: unknown): Map<string, PolicyInput> | undefined {
    const option = documentOptions.policies;
    const read = new Map<string, PolicyInput>();
    if (given === undefined || given === null) return read;
    const keys = [this.#spell('policies')];
    if (!isPlainObject(given)) {
      this.#report(keys, wrongValue(option, given));
      return undefined;
    }
    for (const name of Object.keys(given)) {
      this.#effect = { kind: 'policy_off', policy: name };
      const policy = this.#policy(given, name, [...keys, name]);
      if (policy !== undefined) read.set(name, policy);
    }
    return read;
  }

  #policy(policies: Tree, name: string, keys: Keys): PolicyInput | undefined {
    const { options, name: names } = documentOptions.policies;
    if (name === '__proto__' || names.parse(name) === undefined) {
      const message = 'expected a policy name of 1 to 100 characters on one line, other than none';
      this.#report(keys, message, 'name');
      return undefined;
    }
    const policy = this.#property(policies, name, keys);
    if (policy === null) return {};
    if (isPlainObject(policy)) return this.#section(options, policy, keys);
    this.#report(keys, `expected a map of options, got ${show(policy)}`);
    return undefined;
  }

  #rules(given: unknown): ReadRule[] | undefined {
    const option = documentOptions.rules;
    if (given === undefined || given === null) return [];
    const path = this.#spell('rules');
    if (!Array.isArray(given) || given.length > option.max) {
      this.#report([path], wrongValue(option, given));
      return undefined;
    }
    return Array.from(given as unknown[], (rule, index) => {
      const keys = [path, index];
      const before = this.#mistakes;
      this.#effect = { kind: 'rule_off', rule: pathText(keys) };
      const input: RuleInput = this.#item(option.options, rule, keys) ?? {};
      return { input, keys, source: this.#source, broken: this.#mistakes > before };
    });
  }

  #item(options: OptionTable, item: unknown, keys: Keys): Tree | undefined {
    if (isPlainObject(item)) return this.#section(options, item, keys);
    this.#report(keys, `expected a map of options, got ${show(item)}`);
    return undefined;
  }

  #section(options: OptionTable, given: Tree, keys: Keys): Tree {
    return this.#options(options, this.#entries(options, given, keys), keys);
  }

  /** The values of `given` by the option's name in the schema. What is no option is reported and left out. */
  #entries(options: OptionTable, given: Tree, keys: Keys): Tree {
    const bySpelling = new Map<string, string>();
    for (const [name, option] of Object.entries(options)) {
      if (this.#source === 'code' || option.form !== 'function') bySpelling.set(this.#spell(name), name);
    }
    const found: Tree = {};
    for (const key of Object.keys(given)) {
      const name = bySpelling.get(key);
      if (name === undefined) this.#reportUnknown(key, [...bySpelling.keys()], keys);
      else found[name] = this.#property(given, key, [...keys, key]);
    }
    return found;
  }

  #options(options: OptionTable, values: Tree, keys: Keys): Tree {
    const read: Tree = {};
    for (const [name, option] of Object.entries(options)) {
      // Undefined is what code passes for an option it leaves out.
      if (values[name] === undefined) continue;
      const before = this.#effect;
      if (keys.length === 0) this.#effect = TOP_LEVEL_EFFECTS[name] ?? IGNORED;
      const value = this.#option(option, values[name], [...keys, this.#spell(name)]);
      this.#effect = before;
      if (value !== undefined) read[name] = value;
    }
    return read;
  }

  #option(option: Option, given: unknown, keys: Keys): unknown {
    if (option.form === 'value') return this.#value(option, given, keys);
    const read = option.form === 'list' ? this.#list(option, given, keys) : this.#nested(option, given, keys);
    if (read === undefined) this.#report(keys, wrongValue(option, given));
    return read;
  }

  #nested(option: Option, given: unknown, keys: Keys): unknown {
    if (option.form === 'function') return typeof given === 'function' ? given : undefined;
    if (option.form !== 'section' && option.form !== 'switch') return undefined;
    // `circuit_breaker:` with nothing after it reads as null in YAML, and means: with its defaults.
    if (given === null) return {};
    if (isPlainObject(given)) return this.#section(option.options, given, keys);
    const position = option.form === 'switch' ? switchPosition(given) : undefined;
    return position === true ? {} : position;
  }

  #list(option: ListOption<OptionTable>, given: unknown, keys: Keys): unknown {
    if (!Array.isArray(given) || given.length > option.max) return undefined;
    return Array.from(given as unknown[], (item, index) => this.#item(option.options, item, [...keys, index]));
  }

  #value(option: Option & { readonly form: 'value' }, given: unknown, keys: Keys): unknown {
    try {
      const value = option.kind.parse(copyData(given));
      if (value === undefined) this.#report(keys, wrongValue(option, given));
      return value;
    } catch (error) {
      this.#report(keys, `cannot be read: ${messageOf(error)}; expected ${expectationOf(option)}`);
      return undefined;
    }
  }

  #property(given: Tree, key: string, keys: Keys): unknown {
    try {
      return given[key];
    } catch (error) {
      this.#report(keys, `cannot be read: ${messageOf(error)}`);
      return undefined;
    }
  }

  #spell(option: string): string {
    return this.#source === 'code' ? camelCase(option) : option;
  }

  #reportUnknown(key: string, known: readonly string[], keys: Keys): void {
    const effect = this.#effect;
    if (effect.kind === 'ignored') this.#effect = { kind: 'ignored', meant: suggest(key, known) };
    this.#report([...keys, key], `unknown option${didYouMean(key, known)}`, 'name');
    this.#effect = effect;
  }

  #report(keys: Keys, message: string, part: 'name' | 'value' = 'value'): void {
    this.#mistakes++;
    const path = keys.length === 0 ? 'configuration' : pathText(keys);
    this.#problems.add({ path, message, source: this.#source, keys, part }, this.#effect);
  }
}
