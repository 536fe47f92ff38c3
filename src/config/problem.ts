import type { Mode } from '../strategies/shared/policy.ts';

/** Where an option was set. */
export type ProblemSource = 'file' | 'environment' | 'code';

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** `policies.users.timeout.attempt`, the name of an environment variable, or `<file>:<line>:<column>` where it does not parse. */
  readonly path: string;
  /** Names what was given and what was expected. */
  readonly message: string;
  readonly source: ProblemSource;
  /** `<file>:<line>:<column>` of an option in a file. */
  readonly location?: string;
  /** What follows from it: `policy users is off: its calls go through without protection`. */
  readonly consequence?: string;
}

/** From the top of the file: names of options and indexes of lists. */
export type Keys = readonly (string | number)[];

/** Where an option stands in the file: its value, or its name where the name itself is wrong. */
export type Locate = (keys: Keys, part: 'name' | 'value') => string | undefined;

/** A problem as it is found. `keys` lets it be located in the file. */
export interface FoundProblem {
  readonly path: string;
  readonly message: string;
  readonly source: ProblemSource;
  readonly keys?: Keys;
  readonly part?: 'name' | 'value';
}

/** What a problem does to the configuration. */
export type Effect =
  /** The policy must not be used. */
  | { readonly kind: 'policy_off'; readonly policy: string }
  /** The calls that the rule matches are left alone; the rule is skipped if it cannot be told which calls those are. */
  | { readonly kind: 'rule_off'; readonly rule: string }
  /** The default policy is off, because the operator may have wanted to exclude calls from it. */
  | { readonly kind: 'default_off' }
  | { readonly kind: 'mode' }
  /** Nobody knows what must not be shared among callers, so policies that would share or pass it on are off. */
  | { readonly kind: 'credentials_unknown' }
  /** `meant`: what was probably meant instead. */
  | { readonly kind: 'ignored'; readonly meant?: string | undefined }
  /** What applies instead, in words. */
  | { readonly kind: 'instead'; readonly words: string };

/** What became of the configuration as a whole. */
export interface Result {
  readonly mode: Mode;
  /** Those that can be used. */
  readonly policies: ReadonlyMap<string, unknown>;
}

const MAX_KEPT = 200; // a file of nothing but mistakes must not fill the memory

/** Gathers what is wrong, and which policies it invalidates. */
export class Problems {
  readonly #found: { readonly problem: Problem; readonly effect: Effect | undefined }[] = [];
  readonly #invalid = new Set<string>();
  readonly #skipped = new Set<string>();
  readonly #withoutCredentials: string[] = [];
  #locate: Locate | undefined;

  get list(): readonly Problem[] {
    return this.#found.map(({ problem }) => problem);
  }

  /** Problems of the file found from now on are located by this. */
  locateBy(locate: Locate): void {
    this.#locate = locate;
  }

  add({ path, message, source, keys, part = 'value' }: FoundProblem, effect?: Effect): void {
    if (effect?.kind === 'policy_off') this.#invalid.add(effect.policy);
    if (this.#found.length >= MAX_KEPT) return;
    const location = source === 'file' && keys !== undefined ? this.#locate?.(keys, part) : undefined;
    this.#found.push({ problem: { path, message, source, ...(location && { location }) }, effect });
  }

  /** The names of the policies that must not be used. */
  get invalid(): ReadonlySet<string> {
    return this.#invalid;
  }

  invalidates(policy: string): boolean {
    return this.#invalid.has(policy);
  }

  /** Of a rule in error: nobody knows which calls it is for. */
  skipRule(rule: string): void {
    this.#skipped.add(rule);
  }

  includes(kind: Effect['kind']): boolean {
    return this.#found.some(({ effect }) => effect?.kind === kind);
  }

  /** The policy must not be used because it is not known what names a caller. */
  withoutCredentials(policy: string): void {
    this.#invalid.add(policy);
    this.#withoutCredentials.push(policy);
  }

  /** All of them, each with its consequence. */
  conclude(result: Result): readonly Problem[] {
    return this.#found.map(({ problem, effect }) =>
      effect === undefined ? problem : { ...problem, consequence: this.#consequenceOf(effect, result) },
    );
  }

  #consequenceOf(effect: Effect, result: Result): string {
    switch (effect.kind) {
      case 'rule_off':
        return this.#skipped.has(effect.rule)
          ? `${effect.rule} is skipped: later rules and the default policy apply`
          : `calls that match ${effect.rule} ${UNPROTECTED}`;
      case 'credentials_unknown':
        return credentialsUnknown(this.#withoutCredentials);
      default:
        return consequenceOf(effect, result);
    }
  }
}

const UNPROTECTED = 'go through without protection';

function credentialsUnknown(policies: readonly string[]): string {
  if (policies.length === 0) return 'it is ignored';
  const subject = policies.length === 1 ? `policy ${policies[0]} is` : `policies ${policies.join(', ')} are`;
  return `${subject} off, because their fallback must know what names a caller: their calls ${UNPROTECTED}`;
}

type GeneralEffect = Exclude<Effect, { kind: 'rule_off' | 'credentials_unknown' }>;

function consequenceOf(effect: GeneralEffect, { mode, policies }: Result): string {
  switch (effect.kind) {
    case 'policy_off':
      if (effect.policy === 'default') return defaultOff(policies);
      return `policy ${effect.policy} is off: its calls ${UNPROTECTED}`;
    case 'default_off':
      return defaultOff(policies);
    case 'mode':
      return `running in ${mode}`;
    case 'ignored':
      return effect.meant?.toLowerCase().endsWith('mode') ? `it is ignored: running in ${mode}` : 'it is ignored';
    case 'instead':
      return effect.words;
  }
}

function defaultOff(policies: ReadonlyMap<string, unknown>): string {
  const rest = policies.size === 0 ? 'nothing is protected' : `calls that no rule matches ${UNPROTECTED}`;
  return `the default policy is off: ${rest}`;
}

const MAX_SHOWN_LENGTH = 60;

/** A value as a message shows it: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}…` : value);
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'symbol') return value.description ?? 'a symbol';
  if (typeof value === 'object' && value !== null) return 'a map';
  return typeof value === 'function' ? 'a function' : String(value);
}

/** Of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : show(error);
}
