import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { table, wrap } from '../../src/cli/layout.ts';
import { ProcessTerminal, widthOf } from '../../src/cli/terminal.ts';

describe('what the command line writes', () => {
  it('keeps to the width, and loses nothing but blanks', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é'), maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 30 }), (parts, width) => {
        const lines = wrap(parts.join(' '), width);
        assert.ok(lines.every((line) => line.length <= width));
        assert.equal(lines.join('').replaceAll(' ', ''), parts.join(''));
      }),
    );
  });

  it('gives way in one column so that a table keeps to the width', () => {
    const text = table([[{ text: 'name' }, { text: 'x'.repeat(200) }, { text: 'end' }]], 60, 1);
    const lines = text.split('\n');
    assert.ok(lines.every((line) => line.length <= 60));
    assert.match(lines[0] ?? '', /^name {2}x+ {2}end$/);
    assert.equal(text.replace(/[^x]/g, '').length, 200);
  });

  it('is 100 columns wide at most, and 60 at least', () => {
    assert.deepEqual([undefined, 40, 80, 300].map(widthOf), [100, 60, 80, 100]);
  });

  describe('on a terminal', () => {
    function styled(env: NodeJS.ProcessEnv, isTTY: boolean): string {
      const stdout = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream;
      return new ProcessTerminal(stdout, env).style('red', 'x');
    }

    it('has colours there and nowhere else, and not with NO_COLOR', () => {
      assert.equal(styled({}, true), '\u001b[31mx\u001b[39m');
      assert.equal(styled({ NO_COLOR: '' }, true), '\u001b[31mx\u001b[39m');
      assert.equal(styled({}, false), 'x');
      assert.equal(styled({ NO_COLOR: '1' }, true), 'x');
      assert.equal(styled({ TERM: 'dumb' }, true), 'x');
    });
  });
});
