import {
  ANY_CHARACTER,
  type CharacterSet,
  characterSet,
  characters,
  fixed,
  hasCharacter,
  type PatternNode,
  repeat,
  sequence,
} from './pattern-node.ts';

const MAX_REPEAT = 100;
const SUPPORTED = 'characters, classes, ., |, (?:...) and the quantifiers *, +, ?, {n,m}';

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isWord = (code: number): boolean =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: characterSet(isDigit, false),
  D: characterSet((code) => !isDigit(code), true),
  w: characterSet(isWord, false),
  W: characterSet((code) => !isWord(code), true),
  s: characterSet(isSpace, false),
  S: characterSet((code) => !isSpace(code), true),
};

/**
 * Reads what stands in `(...)` of a URL pattern. Throws on what cannot be matched without going back (lookaround,
 * backreferences) or has no use in one component of a URL (anchors, Unicode properties).
 */
export function parseRegexpGroup(source: string): PatternNode {
  return new RegexpParser(source).parse();
}

class RegexpParser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw this.#unsupported();
    return node;
  }

  #choice(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#next('|')) nodes.push(this.#sequence());
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'choice', nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    while (this.#at < this.#source.length && !this.#isAt('|') && !this.#isAt(')')) {
      nodes.push(this.#quantified(this.#atom()));
    }
    return sequence(...nodes);
  }

  #atom(): PatternNode {
    if (this.#next('(?:')) {
      const node = this.#choice();
      if (!this.#next(')')) throw this.#unsupported();
      return node;
    }
    if (this.#next('[')) return characters(this.#class());
    if (this.#next('.')) return characters(ANY_CHARACTER);
    if (this.#next('\\')) return characters(this.#escape());
    if (/[()^$*+?{}\]]/.test(this.#source[this.#at] as string)) throw this.#unsupported();
    return fixed(this.#source[this.#at++] as string);
  }

  #quantified(node: PatternNode): PatternNode {
    const limits = this.#quantifier();
    return limits === undefined ? node : repeat(node, limits[0], limits[1], !this.#next('?'));
  }

  #quantifier(): readonly [number, number] | undefined {
    if (this.#next('*')) return [0, Infinity];
    if (this.#next('+')) return [1, Infinity];
    if (this.#next('?')) return [0, 1];
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#at));
    if (match === null) return undefined;
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Infinity : Number(match[3]);
    if (Math.max(min, max === Infinity ? 0 : max) > MAX_REPEAT) {
      throw new TypeError(`a quantifier in (...) may count to ${MAX_REPEAT} at most`);
    }
    return [min, max];
  }

  #class(): CharacterSet {
    const negated = this.#next('^');
    const sets: CharacterSet[] = [];
    while (!this.#next(']')) {
      const from = this.#classAtom();
      const isRange = this.#isAt('-') && this.#source[this.#at + 1] !== ']';
      if (!isRange) {
        sets.push(from);
        continue;
      }
      this.#at++;
      const [low, high] = [single(from), single(this.#classAtom())];
      if (low === undefined || high === undefined) throw this.#unsupported();
      sets.push(characterSet((code) => code >= low && code <= high, false));
    }
    const takes = (code: number): boolean => sets.some((set) => hasCharacter(set, code)) !== negated;
    return characterSet(takes, sets.some(({ others }) => others) !== negated);
  }

  #classAtom(): CharacterSet {
    if (this.#next('\\')) return this.#escape();
    const wanted = this.#source.charCodeAt(this.#at++);
    if (Number.isNaN(wanted)) throw this.#unsupported();
    return characterSet((code) => code === wanted, wanted >= 128);
  }

  #escape(): CharacterSet {
    const character = this.#source[this.#at++] ?? '';
    const known = CLASSES[character];
    if (known !== undefined) return known;
    if (/[\w]/.test(character) || character === '') throw this.#unsupported();
    const wanted = character.charCodeAt(0);
    return characterSet((code) => code === wanted, false);
  }

  #isAt(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #next(text: string): boolean {
    if (!this.#isAt(text)) return false;
    this.#at += text.length;
    return true;
  }

  #unsupported(): TypeError {
    return new TypeError(`(...) may hold ${SUPPORTED} only`);
  }
}

/** The one character of a set. */
function single({ ascii, others }: CharacterSet): number | undefined {
  const first = ascii.indexOf(1);
  return !others && first !== -1 && first === ascii.lastIndexOf(1) ? first : undefined;
}
