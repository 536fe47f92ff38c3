import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { URLPattern } from 'urlpattern-polyfill/urlpattern';
import { Automaton } from '../../../src/config/matching/automaton.ts';
import { characterSet, characters, repeat, sequence } from '../../../src/config/matching/pattern-node.ts';
import { compileCallPattern } from '../../../src/config/url-pattern.ts';

interface Reference {
  readonly matches: boolean;
  readonly groups: Readonly<Record<string, string | undefined>>;
}

/** What the URL Pattern library itself says of a path. */
function reference(pattern: string, path: string): Reference {
  const result = new URLPattern(pattern).exec(`http://a${path}`);
  if (result === null) return { matches: false, groups: {} };
  const named = Object.entries(result.pathname.groups).filter(([name, value]) => !/^\d+$/.test(name) && value);
  return { matches: true, groups: Object.fromEntries(named) };
}

function checkAgainstReference(pieces: readonly string[], pathPieces: readonly string[]): void {
  const [pattern, path] = [`http://a/${pieces.join('')}`, `/${pathPieces.join('')}`];
  let expected: Reference;
  let compiled: ReturnType<typeof compileCallPattern>;
  try {
    compiled = compileCallPattern(pattern);
    // Of `//x` the library takes x for a host.
    if (new URL(`http://a${path}`).pathname.startsWith('//')) return;
    expected = reference(pattern, path);
  } catch {
    return; // not a pattern, or one with too many wildcards
  }
  const shown = `${pattern} ${path}`;
  assert.equal(compiled.matchesPath?.(path) ?? true, expected.matches, shown);
  const groups = Object.entries(compiled.groups(`http://a${path}`)).filter(([, value]) => value !== '');
  assert.deepEqual(Object.fromEntries(groups), { ...expected.groups }, shown);
}

describe('matching of URL patterns', () => {
  const path = fc.array(fc.constantFrom('/', 'a', 'b', '-', '.', 'ab', '--', '1', '.x'), { maxLength: 9 });

  it('agrees with the library on fixed text, names and stars, and on what they capture', () => {
    const piece = fc.constantFrom('/', 'a', 'b', '-', '.', ':x', ':y', ':z', '*', '/:u', 'a-', '{*}');
    fc.assert(fc.property(fc.array(piece, { maxLength: 7 }), path, checkAgainstReference), { numRuns: 3_000 });
  });

  it('agrees with the library on groups, modifiers and regular expressions', () => {
    const piece = fc.constantFrom(
      ...['/', 'a', '-', ':x', '*', '/:y?', '/:z+', '/:u*', '{-:v}?', '{a}?', '{/b}*', '{:w-}+', '{a:t.}*'],
      ...['(a|b)', ':n(\\d+)', ':m([^/]*)', '(a.?b)', ':o((?:ab)+)', ':p([ab-]{1,2})', '(a+?)', '/(\\w+)?'],
    );
    fc.assert(fc.property(fc.array(piece, { maxLength: 5 }), path, checkAgainstReference), { numRuns: 3_000 });
  });

  for (const [pattern, why] of [
    ['http://a/(a(?=b))', 'lookahead'],
    ['http://a/(\\p{L}+)', 'a Unicode property'],
    ['http://a/(\\ba)', 'a word boundary'],
  ] as const) {
    it(`refuses ${why}, and says what (...) may hold`, () => {
      assert.throws(() => compileCallPattern(pattern), /\(\.\.\.\) may hold characters, classes/);
    });
  }

  it('refuses quantifiers that count out to a pattern of no bearable length', () => {
    assert.throws(() => compileCallPattern('http://a/((?:a{99}){99})'), /too long/);
    assert.throws(() => compileCallPattern('http://a/(a{101})'), /100 at most/);
  });
});

/** Counts the characters that the searches of `String.prototype` may have looked at. */
function searched(task: () => void): number {
  const { indexOf, lastIndexOf } = String.prototype;
  let count = 0;
  const { prototype } = String;
  prototype.indexOf = function (this: string, text: string, from = 0): number {
    const found = indexOf.call(this, text, from);
    count += (found === -1 ? this.length : found) - from + 1;
    return found;
  };
  prototype.lastIndexOf = function (this: string, text: string, from = this.length): number {
    const found = lastIndexOf.call(this, text, from);
    count += from - found + 1;
    return found;
  };
  try {
    task();
  } finally {
    Object.assign(prototype, { indexOf, lastIndexOf });
  }
  return count;
}

describe('a hostile path', () => {
  const SIZES = [1_000, 2_000, 4_000, 8_000];

  for (const [pattern, unit] of [
    ['http://a/r/:y-:m', '-'],
    ['http://a/r/:y-:m-:d.json', '-'],
    ['http://a/r/:a.:b.:c.:d', 'a.'],
    ['http://a/r/*-:a-:b/*', '-'],
    ['http://a/r/:a-*x*-:b', '-x'],
    ['http://a/*/:id-:x', '/-'],
  ] as const) {
    it(`of many ${unit} is searched in steps that grow with its length for ${pattern}`, () => {
      const { matchesPath } = compileCallPattern(pattern);
      for (const size of SIZES) {
        const path = `/r/${unit.repeat(size / unit.length)}/`;
        const count = searched(() => matchesPath?.(path));
        assert.ok(count <= 12 * path.length, `${count} steps for ${path.length} characters`);
      }
    });
  }

  it('takes a regular expression with nested quantifiers in steps that grow with its length', () => {
    const a = characters(characterSet((code) => code === 97, false));
    const nested = new Automaton(
      sequence(repeat(repeat(a, 1, Infinity), 1, Infinity), characters(characterSet(() => false, false))),
    );
    const steps = SIZES.map((size) => {
      const meter = { steps: 0 };
      assert.equal(nested.matches('a'.repeat(size), meter), false);
      return meter.steps / size;
    });
    assert.ok(Math.max(...steps) <= 4, steps.join());
  });
});
