import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder of this package, of an installed one or of a checkout, above one of the files in it. */
export function packageFolder(below: string): string {
  let folder = below;
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return folder;
}
