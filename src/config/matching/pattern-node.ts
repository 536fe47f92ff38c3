/** A regular expression as a tree. */
export type PatternNode =
  | { readonly kind: 'characters'; readonly takes: CharacterSet }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  /** The first that leads to a match counts. */
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | {
      readonly kind: 'repeat';
      readonly node: PatternNode;
      readonly min: number;
      readonly max: number;
      /** Takes as much as it can, rather than as little. */
      readonly greedy: boolean;
    }
  | { readonly kind: 'capture'; readonly name: string; readonly node: PatternNode };

const ASCII = 128;

/** A set of characters. Canonical URLs are ASCII, so all others are told apart by no pattern. */
export interface CharacterSet {
  readonly ascii: Uint8Array;
  readonly others: boolean;
}

export function characterSet(takes: (code: number) => boolean, others: boolean): CharacterSet {
  return { ascii: Uint8Array.from({ length: ASCII }, (_, code) => (takes(code) ? 1 : 0)), others };
}

export function hasCharacter({ ascii, others }: CharacterSet, code: number): boolean {
  return code < ASCII ? ascii[code] === 1 : others;
}

export const ANY_CHARACTER = characterSet((code) => code !== 10 && code !== 13, true);

export function characters(takes: CharacterSet): PatternNode {
  return { kind: 'characters', takes };
}

export function sequence(...nodes: readonly PatternNode[]): PatternNode {
  return { kind: 'sequence', nodes };
}

export function fixed(text: string): PatternNode {
  const nodes = Array.from({ length: text.length }, (_, index) => {
    const wanted = text.charCodeAt(index);
    return characters(characterSet((code) => code === wanted, wanted >= ASCII));
  });
  return { kind: 'sequence', nodes };
}

export function repeat(node: PatternNode, min: number, max: number, greedy = true): PatternNode {
  return { kind: 'repeat', node, min, max, greedy };
}
