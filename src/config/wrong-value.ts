import { show } from './problem.ts';
import type { Kind } from './schema/kind.ts';
import { expectationOf, type Option, SWITCH_WORDS } from './schema/option.ts';
import { didYouMean } from './suggest.ts';

/** What was expected, what was given, and what was probably meant. */
export function wrongValue(option: Option, given: unknown): string {
  if (option.form === 'value') return wrongKind(option.kind, given);
  const suggestion = option.form === 'switch' && typeof given === 'string' ? didYouMean(given, SWITCH_WORDS) : '';
  return `expected ${expectationOf(option)}, got ${show(given)}${suggestion}`;
}

export function wrongKind(kind: Kind<unknown>, given: unknown): string {
  const { expects, choices, item, secret, whenEmpty } = kind;
  const message = `expected ${expects}, got`;
  if (!Array.isArray(given)) {
    const isSecret = secret === true && typeof given === 'string';
    const meant = choices !== undefined && typeof given === 'string' ? didYouMean(given, choices) : '';
    return `${message} ${isSecret ? 'another text' : show(given)}${meant}`;
  }
  if (given.length === 0 && whenEmpty !== undefined) return `${message} an empty list: ${whenEmpty}`;
  // In a list, the item that is wrong says more than "a list".
  const wrong = (given as unknown[]).find((one) => item?.parse(one) === undefined);
  if (wrong === undefined) return `${message} ${show(given)} of ${given.length}`;
  return secret === true && typeof wrong === 'string' ? `${message} another one` : `${message} ${show(wrong)} in it`;
}
