/** One component of a URL: what a name stops at, and what belongs to an optional name before it. */
export interface ComponentKind {
  /** A `:name` takes no such character; empty: it takes any. */
  readonly delimiter: '' | '.' | '/';
  /** In `/:name?` the slash is optional too. */
  readonly prefix: '' | '/';
}

export type Modifier = '' | '?' | '*' | '+';

export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly modifier: Modifier }
  | {
      readonly kind: 'group';
      /** Undefined: it has none. */
      readonly name: string | undefined;
      /** `segment`: one character at least, as few as possible, none of them the delimiter. `any`: as many as possible. */
      readonly takes: 'segment' | 'any' | { readonly regexp: string };
      readonly prefix: string;
      readonly suffix: string;
      readonly modifier: Modifier;
    };

const NAME = /^:([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)/u;

/**
 * Reads a component as the URL Pattern parser gives it back: canonical, and known to be valid.
 * https://urlpattern.spec.whatwg.org/#parse-a-pattern-string
 */
export function parseComponent(pattern: string, kind: ComponentKind): readonly Part[] {
  return new Parser(pattern, kind).parse();
}

class Parser {
  readonly #pattern: string;
  readonly #kind: ComponentKind;
  readonly #parts: Part[] = [];
  #at = 0;
  #pending = '';

  constructor(pattern: string, kind: ComponentKind) {
    this.#pattern = pattern;
    this.#kind = kind;
  }

  parse(): readonly Part[] {
    while (this.#at < this.#pattern.length) {
      if (this.#next('{')) this.#braces();
      else this.#plain();
    }
    this.#flush();
    return this.#parts;
  }

  #plain(): void {
    const { prefix: optional } = this.#kind;
    const isPrefix = optional !== '' && this.#pattern[this.#at] === optional && this.#isGroupAt(this.#at + 1);
    if (isPrefix) this.#at++;
    if (!isPrefix && !this.#isGroupAt(this.#at)) {
      this.#pending += this.#character();
      return;
    }
    this.#flush();
    this.#group(isPrefix ? optional : '', () => '');
  }

  #braces(): void {
    const prefix = this.#text();
    if (this.#isGroupAt(this.#at)) {
      this.#flush();
      this.#group(prefix, () => {
        const suffix = this.#text();
        this.#next('}');
        return suffix;
      });
      return;
    }
    this.#next('}');
    const modifier = this.#modifier();
    if (modifier === '') {
      this.#pending += prefix;
      return;
    }
    this.#flush();
    this.#parts.push({ kind: 'text', text: prefix, modifier });
  }

  #group(prefix: string, readSuffix: () => string): void {
    const name = NAME.exec(this.#pattern.slice(this.#at))?.[1];
    if (name !== undefined) this.#at += name.length + 1;
    const regexp = this.#regexp();
    if (regexp === undefined && name === undefined) this.#next('*');
    const takes = regexp !== undefined ? { regexp } : name !== undefined ? 'segment' : 'any';
    const suffix = readSuffix();
    this.#parts.push({ kind: 'group', name, takes, prefix, suffix, modifier: this.#modifier() });
  }

  #isGroupAt(at: number): boolean {
    const character = this.#pattern[at];
    return character === '*' || character === '(' || (character === ':' && NAME.test(this.#pattern.slice(at)));
  }

  /** What stands in `(...)`, if that comes next. */
  #regexp(): string | undefined {
    if (!this.#next('(')) return undefined;
    const start = this.#at;
    for (let depth = 1; this.#at < this.#pattern.length; this.#at++) {
      const character = this.#pattern[this.#at];
      if (character === '\\') this.#at++;
      else if (character === '(') depth++;
      else if (character === ')' && --depth === 0) break;
    }
    return this.#pattern.slice(start, this.#at++);
  }

  #text(): string {
    let text = '';
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== '}' && !this.#isGroupAt(this.#at)) {
      text += this.#character();
    }
    return text;
  }

  #character(): string {
    if (this.#pattern[this.#at] === '\\') this.#at++;
    return this.#pattern[this.#at++] ?? '';
  }

  #modifier(): Modifier {
    for (const modifier of ['?', '*', '+'] as const) if (this.#next(modifier)) return modifier;
    return '';
  }

  #next(character: string): boolean {
    if (this.#pattern[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #flush(): void {
    if (this.#pending !== '') this.#parts.push({ kind: 'text', text: this.#pending, modifier: '' });
    this.#pending = '';
  }
}
