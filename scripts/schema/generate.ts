import fs from 'node:fs';
import path from 'node:path';
import { configJsonSchema } from '../../src/config/schema/json-schema.ts';
import { withTables } from './tables.ts';
import { typesText } from './types-text.ts';

/** Writes everything that is made of the option tables. `npm run schema` builds, runs it, and formats. */

const ROOT = path.join(__dirname, '../../..');

function write(file: string, text: string): void {
  fs.writeFileSync(path.join(ROOT, file), text);
}

write('config.schema.json', `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
write('src/config/config-types.ts', typesText());
for (const file of ['README.md', 'docs/configuration.md']) {
  write(file, withTables(fs.readFileSync(path.join(ROOT, file), 'utf8')));
}
