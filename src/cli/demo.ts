import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { EXIT, type Invocation } from './command.ts';
import { wrap } from './layout.ts';
import { packageFolder } from './package-folder.ts';

const SCRIPT = 'dist/demo.js';

/** Runs the demo, with this terminal as its own. */
export async function demo({ terminal }: Invocation): Promise<number> {
  const script = path.join(packageFolder(__dirname), SCRIPT);
  if (!existsSync(script)) {
    const way = 'The demo has not been built. In a checkout: npm install && npm run demo';
    terminal.err(wrap(way, terminal.width).join('\n'));
    return EXIT.problems;
  }
  const child = spawn(process.execPath, [script], { stdio: 'inherit' });
  // Ctrl-C goes to the whole group: the demo cleans up, and we wait for it.
  process.on('SIGINT', () => {});
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0 ? EXIT.ok : EXIT.problems;
}
