import type { CallProgress } from '../shared/contract.ts';

/** What a `${path.name}` or `${query.name}` in a degraded answer stands for. */
export interface Placeholder {
  /** As written. */
  readonly text: string;
  /** `path`: a named group of the rule's URL pattern. `query`: a parameter of the call's URL. */
  readonly source: 'path' | 'query';
  readonly name: string;
}

/** Text and placeholders in turn. */
export type Template = ReadonlyArray<string | Placeholder>;

const PLACEHOLDER = /\$\{(path|query)\.([^{}]+)\}/g;

/** Anything else in `${…}` is text like any other. */
export function parseTemplate(text: string): Template {
  const parts: Array<string | Placeholder> = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [whole, source, name] = match;
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ text: whole, source: source === 'path' ? 'path' : 'query', name: name ?? '' });
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/**
 * The values of one call by placeholder. A value the call does not have is '', in JSON too: no field of an answer
 * changes its type with what a caller sends.
 */
export class PlaceholderValues {
  readonly #progress: CallProgress;
  #groups: Readonly<Record<string, string>> | undefined;
  #query: ReadonlyMap<string, string> | undefined;

  constructor(progress: CallProgress) {
    this.#progress = progress;
  }

  get({ source, name }: Placeholder): string {
    if (source === 'query') {
      this.#query ??= parseQuery(this.#progress.call.path);
      return this.#query.get(name) ?? '';
    }
    this.#groups ??= this.#progress.patternGroups();
    return Object.hasOwn(this.#groups, name) ? (this.#groups[name] ?? '') : '';
  }
}

/** Parameters by name, the first of each; decoded once. */
function parseQuery(path: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const [beforeFragment = ''] = path.split('#', 1);
  const at = beforeFragment.indexOf('?');
  if (at < 0) return values;
  for (const pair of beforeFragment.slice(at + 1).split('&')) {
    const eq = pair.indexOf('=');
    const name = decode(eq < 0 ? pair : pair.slice(0, eq));
    if (!values.has(name)) values.set(name, eq < 0 ? '' : decode(pair.slice(eq + 1)));
  }
  return values;
}

/** Like a form field; what is no UTF-8 in percent-encoding stays as it is. */
function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  return spaced.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}
