import type { Option, OptionTable } from '../../src/config/schema/option.ts';

/** An option and the names that lead to it. */
export interface Listed {
  readonly path: readonly string[];
  readonly option: Option;
}

/** Every option, a section before what is in it. */
export function listOptions(options: OptionTable, above: readonly string[] = []): Listed[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const path = [...above, name];
    return [{ path, option }, ...('options' in option ? listOptions(option.options, path) : [])];
  });
}

/** What it takes, in a few words. */
export function takes(option: Option): string {
  switch (option.form) {
    case 'value':
      return option.kind.brief;
    case 'switch':
      return 'on, off or a map';
    case 'function':
      return 'a function, in code';
    case 'list':
      return `up to ${option.max} ${option.items}`;
    default:
      return 'a map';
  }
}

/** The default as one would write it; undefined: there is none. */
export function defaultText(option: Option): string | undefined {
  if (option.defaultWords !== undefined) return option.defaultWords;
  if (option.default === undefined) return undefined;
  if (option.form === 'switch') return code(option.default === false ? 'off' : 'on');
  return code(valueText(option.default));
}

/** In YAML's flow style. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function code(text: string): string {
  return `\`${text}\``;
}
