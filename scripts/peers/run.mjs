// Runs the test files of other projects bare and under the preload, and lists what differs:
//   PEERS_UNDICI=<clone with its dependencies installed> PEERS_NOCK=<clone> npm run test:peers
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const REGISTER = path.resolve(import.meta.dirname, '../../dist/register.js');
const TIMEOUT_MS = 60_000;

/** Where a project has its tests, and how one file of them is run. */
const PEERS = {
  PEERS_UNDICI: { folder: 'test', file: /\.js$/, command: (file) => ['--test', file] },
  PEERS_NOCK: {
    folder: 'tests',
    file: /^test_.*\.js$/,
    command: (file) => ['node_modules/mocha/bin/mocha.js', '--exit', file],
  },
};

/** The names of the tests that failed; a file that ends by a signal or a timeout has one of that name. */
function failures(cwd, args, env) {
  const options = { cwd, encoding: 'utf8', timeout: TIMEOUT_MS, env: { ...process.env, ...env } };
  const { status, signal, stdout } = spawnSync(process.execPath, args, options);
  if (status === 0) return new Set();
  const names = stdout
    .split('\n')
    .flatMap((line) => line.match(/^\s*(?:not ok \d+ - |✖ |\d+\) )(.*?)(?: \([\d.]+ms\))?$/)?.[1] ?? []);
  return new Set(names.length > 0 ? names : [`(ended by ${signal ?? `status ${status}`})`]);
}

let differences = 0;
for (const [variable, { folder, file: wanted, command }] of Object.entries(PEERS)) {
  const cwd = process.env[variable];
  if (cwd === undefined || !existsSync(cwd)) {
    console.log(`${variable} names no folder: left out`);
    continue;
  }
  const names = readdirSync(path.join(cwd, folder)).filter((name) => wanted.test(name));
  const found = names.map((name) => path.join(folder, name)).sort();
  for (const file of found) {
    const bare = failures(cwd, command(file), {});
    const preload = failures(cwd, command(file), { NODE_OPTIONS: `--require "${REGISTER}"` });
    for (const name of [...preload].filter((failed) => !bare.has(failed))) {
      differences++;
      console.log(`${variable} ${file}: fails only under the preload: ${name}`);
    }
  }
  console.log(`${variable}: ${found.length} files run`);
}
process.exitCode = differences === 0 ? 0 : 1;
