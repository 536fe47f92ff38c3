import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { localLinks } from '../support/markdown.ts';
import { pack } from './install.ts';

const ROOT = path.resolve(__dirname, '../../..');

describe('the documents in the package', function () {
  this.timeout(60_000);
  let packed: Awaited<ReturnType<typeof pack>>;
  before(async () => {
    packed = await pack();
  });
  after(() => packed.dispose());

  it('link to what is in the package, or to an absolute address', () => {
    const documents = [...packed.files].filter((file) => file.endsWith('.md'));
    assert.ok(documents.includes('README.md'));
    const dead = documents.flatMap((file) =>
      localLinks(readFileSync(path.join(ROOT, file), 'utf8')).flatMap((link) => {
        const [target = ''] = link.split('#', 1);
        const to = path.posix.join(path.posix.dirname(file), target);
        // A folder is there if anything in it is.
        const there =
          target === '' || packed.files.has(to) || [...packed.files].some((name) => name.startsWith(`${to}/`));
        return there ? [] : [`${file}: ${link}`];
      }),
    );
    assert.deepEqual(dead, []);
  });
});
