import type { Kind } from './kind.ts';

/** The options of a section by name, in the file's spelling. */
export type OptionTable = Readonly<Record<string, Option>>;

export type Option =
  | ValueOption<unknown>
  | SectionOption<OptionTable>
  | SwitchOption<OptionTable>
  | ListOption<OptionTable>
  | MapOption<OptionTable>
  | FunctionOption<unknown>;

export interface OptionText {
  /** A sentence. */
  readonly description: string;
  /** As one would write it in the file. Undefined: there is none, or it depends on other options. */
  readonly default?: unknown;
  /** In words, where the default depends on other options: `permits`. */
  readonly defaultWords?: string;
  /** The option has a meaning only beside this value of a sibling: `{ option: 'type', value: 'count' }`. */
  readonly onlyWith?: { readonly option: string; readonly value: string };
}

/** One value. */
export interface ValueOption<T> extends OptionText {
  readonly form: 'value';
  readonly kind: Kind<T>;
}

/** A map of options. */
export interface SectionOption<S extends OptionTable> extends OptionText {
  readonly form: 'section';
  readonly options: S;
}

/** A strategy or a part of one: a map of options, true for its defaults, false to switch it off. */
export interface SwitchOption<S extends OptionTable> extends OptionText {
  readonly form: 'switch';
  readonly options: S;
}

/** A list of maps of options. */
export interface ListOption<S extends OptionTable> extends OptionText {
  readonly form: 'list';
  readonly options: S;
  readonly max: number;
  /** What the list holds, in the plural: `rules`. */
  readonly items: string;
  /** What one of them is, as a sentence. */
  readonly each: string;
  /** Those that every item must have. */
  readonly required: readonly string[];
}

/** Names that the operator chooses, each with a map of options. */
export interface MapOption<S extends OptionTable> extends OptionText {
  readonly form: 'map';
  readonly options: S;
  readonly name: Kind<string>;
  /** What the map holds, in the plural: `policies`. */
  readonly items: string;
  /** What one of them is, as a sentence. */
  readonly each: string;
}

/** A function, so only to be had in code. */
export interface FunctionOption<T> extends OptionText {
  readonly form: 'function';
  readonly type: string;
  /** Never there: carries the type of what is read. */
  readonly of?: T;
}

/** What is read of a table: whatever was left out or wrong is missing. */
export type Values<S extends OptionTable> = { readonly [K in keyof S]?: ValueOf<S[K]> | undefined };

export type ValueOf<O extends Option> =
  O extends ValueOption<infer T>
    ? T
    : O extends SwitchOption<infer S>
      ? Values<S> | false
      : O extends SectionOption<infer S>
        ? Values<S>
        : O extends ListOption<infer S>
          ? readonly Values<S>[]
          : O extends MapOption<infer S>
            ? Readonly<Record<string, Values<S>>>
            : O extends FunctionOption<infer T>
              ? T
              : never;

export function value<T>(kind: Kind<T>, text: OptionText): ValueOption<T> {
  return { form: 'value', kind, ...text };
}

export function section<S extends OptionTable>(options: S, text: OptionText): SectionOption<S> {
  return { form: 'section', options, ...text };
}

export function switchable<S extends OptionTable>(options: S, text: OptionText): SwitchOption<S> {
  return { form: 'switch', options, ...text };
}

/** Ends the sentence "expected ...". */
export function expectationOf(option: Option): string {
  switch (option.form) {
    case 'value':
      return option.kind.expects;
    case 'section':
      return 'a map of options';
    case 'switch':
      return 'a map of options, true for the defaults, or false';
    case 'list':
      return `a list of at most ${option.max} ${option.items}`;
    case 'map':
      return `a map of ${option.items} by name (${option.name.expects})`;
    case 'function':
      return 'a function';
  }
}

const SWITCH_POSITIONS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  ['on', true],
  [false, false],
  ['off', false],
]);

/** True: on with its defaults; undefined: neither on nor off. */
export function switchPosition(given: unknown): boolean | undefined {
  return SWITCH_POSITIONS.get(given);
}

export const SWITCH_WORDS: readonly string[] = ['off', 'on', 'true', 'false'];
