import { type Keys, show } from './problem.ts';

/** The name of an option in code: `max_queue` is `maxQueue`. */
export function camelCase(option: string): string {
  return option.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A path as one writes it: `rules[0].match`, names that are no identifiers in brackets. */
export function pathText(keys: Keys): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    if (!/^[\w-]{1,100}$/.test(key)) return `${path}[${show(key)}]`;
    return path === '' ? key : `${path}.${key}`;
  }, '');
}
