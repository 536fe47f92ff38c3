import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeProblems } from '../../src/config/describe-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { type Problem, Problems, show } from '../../src/config/problem.ts';

const problem = (path: string, message = 'expected nothing'): Problem => ({ path, message, source: 'file' });

describe('describeProblems', () => {
  it('gives a line for each problem', () => {
    assert.deepEqual(describeProblems([problem('a'), problem('b', 'unknown option')]), [
      'a (file): expected nothing',
      'b (file): unknown option',
    ]);
    assert.deepEqual(describeProblems([]), []);
  });

  it('says how to check an environment that names no file', () => {
    const { problems } = loadConfig({ env: { OTEL_RESILIENCE_PRESET: 'standrd' } });
    assert.equal(describeProblems(problems).at(-1), 'to check the configuration: npx otel-resilience explain');
  });

  it('stays at a few lines, whatever the number of problems', () => {
    const lines = describeProblems(Array.from({ length: 100 }, (_, index) => problem(`a${index}`)));
    assert.equal(lines.length, 9);
    assert.equal(lines.at(-1), 'and 92 more');
  });

  it('keeps each problem to one line of bearable length', () => {
    const [line = ''] = describeProblems([problem(`a\nb\u2028c\u001b[31m`, 'x'.repeat(1_000))]);
    assert.equal(line.length, 400);
    assert.doesNotMatch(line, /[\p{Cc}\u2028]/u);
  });
});

describe('problems', () => {
  it('do not fill the memory, and still invalidate what they invalidate', () => {
    const problems = new Problems();
    for (let index = 0; index < 10_000; index++)
      problems.add(problem('a'), { kind: 'policy_off', policy: `policy ${index}` });
    assert.equal(problems.list.length, 200);
    assert.equal(problems.invalidates('policy 9999'), true);
    assert.equal(problems.invalidates('other'), false);
  });

  it('show values in a few characters', () => {
    const values = [undefined, null, 'a"b', 'x'.repeat(99), 5, [1], { a: 1 }, Symbol('s'), () => 1, 1n];
    const shown = [
      'nothing',
      'null',
      '"a\\"b"',
      `"${'x'.repeat(60)}…"`,
      '5',
      'a list',
      'a map',
      's',
      'a function',
      '1',
    ];
    assert.deepEqual(values.map(show), shown);
  });
});
