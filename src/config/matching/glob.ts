import type { ComponentKind, Part } from './component.ts';

/** Values of named groups by name. */
export type Captures = ReadonlyMap<string, string>;

/** Answers in a time that grows with the length of the text, and no faster, whatever the text. */
export interface Matcher {
  matches(text: string): boolean;
  /** Undefined: no match. */
  capture(text: string): Captures | undefined;
}

/** Fixed texts with a `:name` between each two of them: one text more than names. */
interface Run {
  readonly texts: readonly string[];
  readonly names: readonly (string | undefined)[];
}

/**
 * The matcher of fixed text, `:name` and at most two `*`, which nearly all patterns are made of. Undefined: there is more
 * in the pattern.
 *
 * It never goes back. A name takes as little as it can, so the text after it is looked for from the left; if the first
 * place does not lead to a match, no later one does, since the next name can only take less. A `*` takes whatever is left
 * between what matches before it from the left and what matches after it from the right.
 */
export function globOf(parts: readonly Part[], { delimiter }: ComponentKind): Matcher | undefined {
  const runs = runsOf(parts);
  if (runs === undefined || runs.length > 3) return undefined;
  const [first, middle, last] = runs.length === 3 ? runs : [runs[0], undefined, runs[1]];
  if (first === undefined || (middle !== undefined && middle.names.length > 0)) return undefined;
  return new Glob(first, middle?.texts[0], last, delimiter);
}

/** What stands between the `*`. */
function runsOf(parts: readonly Part[]): Run[] | undefined {
  let texts = [''];
  let names: (string | undefined)[] = [];
  const runs: Run[] = [];
  const append = (text: string): void => {
    texts[texts.length - 1] += text;
  };
  for (const part of parts) {
    if (part.modifier !== '') return undefined;
    if (part.kind === 'text') {
      append(part.text);
      continue;
    }
    append(part.prefix);
    if (part.takes === 'segment') {
      names.push(part.name);
      texts.push(part.suffix);
    } else if (part.takes === 'any') {
      runs.push({ texts, names });
      [texts, names] = [[part.suffix], []];
    } else {
      return undefined;
    }
  }
  runs.push({ texts, names });
  return runs;
}

class Glob implements Matcher {
  readonly #first: Run;
  /** The fixed text between two `*`; undefined: there are not two. */
  readonly #middle: string | undefined;
  /** What stands after the last `*`; undefined: there is none. */
  readonly #last: Run | undefined;
  readonly #delimiter: string;

  constructor(first: Run, middle: string | undefined, last: Run | undefined, delimiter: string) {
    this.#first = first;
    this.#middle = middle;
    this.#last = last;
    this.#delimiter = delimiter;
  }

  matches(text: string): boolean {
    return this.#match(text, undefined);
  }

  capture(text: string): Captures | undefined {
    const captures = new Map<string, string>();
    return this.#match(text, captures) ? captures : undefined;
  }

  #match(text: string, captures: Map<string, string> | undefined): boolean {
    const last = this.#last;
    if (last === undefined) return this.#forward(this.#first, text, 0, true, captures) !== -1;
    const from = this.#forward(this.#first, text, 0, false, captures);
    if (from === -1) return false;
    const to = this.#backward(last, text, from);
    if (to === -1) return false;
    if (this.#middle !== undefined) {
      const middle = text.indexOf(this.#middle, from);
      if (middle === -1 || middle + this.#middle.length > to) return false;
    }
    if (captures !== undefined && last.names.length > 0) this.#forward(last, text, to, true, captures);
    return true;
  }

  /** Where a run that begins at `from` ends at the earliest, or at the end of the text; -1: nowhere. */
  #forward({ texts, names }: Run, text: string, from: number, toEnd: boolean, captures?: Map<string, string>): number {
    const start = texts[0] as string;
    if (!text.startsWith(start, from)) return -1;
    if (names.length === 0) return toEnd && text.length - from !== start.length ? -1 : from + start.length;
    let at = from + start.length;
    let delimiter = -1;
    for (let index = 1; index <= names.length; index++) {
      const next = texts[index] as string;
      const found = toEnd && index === names.length ? lastPlace(text, next) : text.indexOf(next, at + 1);
      if (delimiter < at) delimiter = this.#delimiterAfter(text, at);
      // `indexOf` finds an empty text at the end, even where that is too near.
      if (found < at + 1 || delimiter < found) return -1;
      keep(captures, names[index - 1], text, at, found);
      at = found + next.length;
    }
    return at;
  }

  /** Where a run that ends with the text begins at the latest, but not before `floor`; -1: nowhere. */
  #backward({ texts, names }: Run, text: string, floor: number): number {
    let at = lastPlace(text, texts[names.length] as string);
    let delimiter = text.length;
    for (let index = names.length - 1; index >= 0; index--) {
      const before = texts[index] as string;
      const latest = at - 1 - before.length;
      const found = latest < floor ? -1 : text.lastIndexOf(before, latest);
      if (delimiter >= at) delimiter = this.#delimiterBefore(text, at);
      if (found < floor || delimiter >= found + before.length) return -1;
      at = found;
    }
    return at < floor ? -1 : at;
  }

  #delimiterAfter(text: string, at: number): number {
    const found = this.#delimiter === '' ? -1 : text.indexOf(this.#delimiter, at);
    return found === -1 ? text.length : found;
  }

  #delimiterBefore(text: string, at: number): number {
    return this.#delimiter === '' ? -1 : text.lastIndexOf(this.#delimiter, at - 1);
  }
}

function keep(
  captures: Map<string, string> | undefined,
  name: string | undefined,
  text: string,
  from: number,
  to: number,
) {
  if (captures !== undefined && name !== undefined) captures.set(name, text.slice(from, to));
}

/** Where `end` stands at the end of the text; -1: it does not. */
function lastPlace(text: string, end: string): number {
  return text.endsWith(end) ? text.length - end.length : -1;
}
