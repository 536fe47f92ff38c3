import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'mocha';

/** The configuration of DESIGN §7 and the README. */
export const DESIGN = path.resolve(__dirname, '../../../test/cli/fixtures/design.yaml');

/** A folder for the files of one suite. Gives what writes a file into it and gives its path. */
export function scratchFiles(): (name: string, text: string) => string {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'otel-resilience-cli-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  return (name, text) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };
}
