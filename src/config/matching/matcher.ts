import { Automaton } from './automaton.ts';
import { type ComponentKind, type Modifier, type Part, parseComponent } from './component.ts';
import { globOf, type Matcher } from './glob.ts';
import { ANY_CHARACTER, characterSet, characters, fixed, type PatternNode, repeat, sequence } from './pattern-node.ts';
import { parseRegexpGroup } from './regexp-group.ts';

/** A component of a URL pattern, ready to be asked. */
export interface Component extends Matcher {
  readonly names: readonly string[];
  /** How many `*` and `(...)` it has. */
  readonly wildcards: number;
  /** The only text it matches; undefined: there are others. */
  readonly fixed: string | undefined;
}

/** `pattern` is canonical, as the URL Pattern parser gives it back. */
export function compileComponent(pattern: string, kind: ComponentKind): Component {
  const parts = parseComponent(pattern, kind);
  const matcher = globOf(parts, kind) ?? new Automaton(nodeOf(parts, kind));
  return {
    names: parts.flatMap((part) => (part.kind === 'group' && part.name !== undefined ? [part.name] : [])),
    wildcards: parts.filter((part) => part.kind === 'group' && part.takes !== 'segment').length,
    fixed: parts.every((part) => part.kind === 'text' && part.modifier === '')
      ? parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
      : undefined,
    matches: (text) => matcher.matches(text),
    capture: (text) => matcher.capture(text),
  };
}

function nodeOf(parts: readonly Part[], kind: ComponentKind): PatternNode {
  return sequence(...parts.map((part) => partNode(part, kind)));
}

/** As often as the modifier says. */
function modified(node: PatternNode, modifier: Modifier): PatternNode {
  if (modifier === '') return node;
  return repeat(node, modifier === '+' ? 1 : 0, modifier === '?' ? 1 : Infinity);
}

/** https://urlpattern.spec.whatwg.org/#generate-a-regular-expression-and-name-list */
function partNode(part: Part, { delimiter }: ComponentKind): PatternNode {
  const { modifier } = part;
  if (part.kind === 'text') return modified(fixed(part.text), modifier);
  const { name, takes, prefix, suffix } = part;
  const capture = (node: PatternNode): PatternNode => (name === undefined ? node : { kind: 'capture', name, node });
  const content = contentNode(takes, delimiter);
  if (modifier === '' || modifier === '?') {
    return modified(sequence(fixed(prefix), capture(content), fixed(suffix)), modifier);
  }
  if (prefix === '' && suffix === '') return capture(modified(content, modifier));
  const again = repeat(sequence(fixed(suffix), fixed(prefix), content), 0, Infinity);
  const several = sequence(fixed(prefix), capture(sequence(content, again)), fixed(suffix));
  return modifier === '+' ? several : repeat(several, 0, 1);
}

function contentNode(takes: (Part & { kind: 'group' })['takes'], delimiter: string): PatternNode {
  if (takes === 'any') return repeat(characters(ANY_CHARACTER), 0, Infinity);
  if (takes !== 'segment') return parseRegexpGroup(takes.regexp);
  const excluded = delimiter === '' ? undefined : delimiter.charCodeAt(0);
  return repeat(characters(characterSet((code) => code !== excluded, true)), 1, Infinity, false);
}
