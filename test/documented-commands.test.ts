import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { freePorts } from './backends/backend.ts';
import { NOT_RUN, RUN_ELSEWHERE } from './documented-commands.ts';
import { commandsOf, documentedCommands, fences, markdownFiles, section } from './support/markdown.ts';
import { Upstream } from './support/upstream.ts';
import { cleanEnv } from './telemetry/child.ts';

const ROOT = path.join(__dirname, '../..');
const PACKAGE = 'opentelemetry-instrumentation-resilience';
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const LANGUAGES = ['sh', 'console', 'dockerfile', 'text', 'js', 'ts', 'json', 'yaml'];
const FILES = markdownFiles(ROOT).filter(({ file }) => file !== 'CHANGELOG.md');

const documented = (file: string): ReturnType<typeof fences> => fences(readFileSync(path.join(ROOT, file), 'utf8'));

/** A test of its own takes all of the quick starts, so they can neither be missing nor stale here. */
const commands = FILES.flatMap(({ file, text }) =>
  documentedCommands(file === 'README.md' ? text.replace(section(text, '## Quick start'), '') : text).map(
    (command) => ({ file, command }),
  ),
);

/** Commands that are run below, in a folder as a user has it. */
const RUN_HERE: Readonly<Record<string, RegExp>> = {
  'of the command line': /^(?:[A-Z_]+=\S+ )*(?:npx )?otel-resilience (?!status$|demo$)/,
  'that start an app with the flag': /^(?:[A-Z_]+=\S+ )*node --(?:require|import) \S+\/register app\.js$/,
  'that start what npm starts': /^NODE_OPTIONS='--require [^']+' npm start$/,
  'that ask Node': /^node -p /,
  'that ask the status page': /^curl -X POST http:\/\/127\.0\.0\.1:9990\//,
};
const runHere = (command: string): boolean => Object.values(RUN_HERE).some((pattern) => pattern.test(command));

describe('The commands of the documentation', () => {
  it('stand in blocks that say what they are', () => {
    const wrong = FILES.flatMap(({ file, text }) =>
      fences(text).flatMap(({ language, block }) => (LANGUAGES.includes(language) ? [] : [`${file}: ${block}`])),
    );
    assert.deepEqual(wrong, []);
  });

  it('are all run by a test, or say what that would take', () => {
    const unknown = commands.filter(
      ({ command }) => !(runHere(command) || command in RUN_ELSEWHERE || command in NOT_RUN),
    );
    assert.deepEqual(unknown, []);
  });

  it('are run where the table says so', () => {
    for (const [command, { by, as }] of Object.entries(RUN_ELSEWHERE)) {
      assert.ok(readFileSync(path.join(ROOT, by), 'utf8').includes(as), `${command} by ${by}`);
    }
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const { command, file } of commands) {
      const [, script] = /^npm run (\S+)/.exec(command) ?? [];
      if (script !== undefined) assert.ok(script in scripts, `${file}: ${command}`);
    }
  });

  it('are still there, those of the table', () => {
    const there = new Set(commands.map(({ command }) => command));
    const tables = [...Object.keys(RUN_ELSEWHERE), ...Object.keys(NOT_RUN)];
    assert.deepEqual(
      tables.filter((command) => !there.has(command)),
      [],
    );
  });
});

describe('Commands of the documentation, run as they stand', function () {
  this.timeout(60_000);
  let folder: string;
  let upstream: Upstream;

  // As after an installation, with an app, its configuration and the script that starts it.
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'resilience-commands-'));
    const modules = path.join(folder, 'node_modules');
    mkdirSync(path.join(modules, '.bin'), { recursive: true });
    symlinkSync(ROOT, path.join(modules, PACKAGE));
    symlinkSync(path.join(ROOT, 'dist/cli.js'), path.join(modules, '.bin/otel-resilience'));
    chmodSync(path.join(ROOT, 'dist/cli.js'), 0o755);
    cpSync(path.join(ROOT, 'test/package/fixtures/quick-start-app.cjs'), path.join(folder, 'app.js'));
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "scripts": { "start": "node app.js" } }');
    const yaml = fences(README).find(({ language }) => language === 'yaml')?.block ?? '';
    writeFileSync(path.join(folder, 'resilience.yaml'), yaml);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    upstream = await Upstream.start();
    upstream.status = 503;
  });
  afterEach(() => upstream.close());

  const env = (): NodeJS.ProcessEnv => {
    const { OTEL_RESILIENCE_LOG: _, ...clean } = cleanEnv();
    const PATH = [path.join(folder, 'node_modules/.bin'), path.dirname(process.execPath), process.env.PATH];
    return { ...clean, PATH: PATH.join(path.delimiter), UPSTREAM_URL: upstream.url };
  };

  /** With examples of what stands for something else; `status` and `stdout` are those of the shell. */
  const shell = async (command: string): Promise<{ readonly status: number; readonly stdout: string }> => {
    const typed = command
      .replaceAll('<file>', 'resilience.yaml')
      .replaceAll('<METHOD>', 'GET')
      .replaceAll('<command>', 'schema')
      .replaceAll('<url>', 'https://api.primary.example/users/42');
    const options = { cwd: folder, env: env(), timeout: 50_000 };
    const ran = promisify(execFile)('/bin/sh', ['-c', `${typed} </dev/null`], options);
    return ran.then(
      ({ stdout }) => ({ status: 0, stdout }),
      (error: { code: number; stdout: string }) => ({ status: error.code, stdout: error.stdout }),
    );
  };

  const matching = (what: string): readonly string[] => [
    ...new Set(commands.map(({ command }) => command).filter((command) => RUN_HERE[what]?.test(command))),
  ];

  for (const command of [...matching('of the command line'), ...matching('that ask Node')]) {
    it(`${command}`, async () => {
      const { status, stdout } = await shell(command);
      assert.equal(status, 0, stdout);
      assert.notEqual(stdout, '');
    });
  }

  for (const command of [...matching('that start an app with the flag'), ...matching('that start what npm starts')]) {
    it(`${command}`, async () => {
      const { status, stdout } = await shell(command.replace('127.0.0.1:9990', '127.0.0.1:0'));
      assert.equal(status, 0);
      const [line = ''] = stdout.split('\n').filter((text) => text.startsWith('['));
      assert.deepEqual(JSON.parse(line).slice(18), [
        503,
        503,
        'ERR_RESILIENCE_CIRCUIT_OPEN',
        'ERR_RESILIENCE_CIRCUIT_OPEN',
      ]);
    });
  }

  it('curl -X POST … of docs/status-page.md, at the app that is started by the command before it', async () => {
    const [start = '', curl = ''] = documented('docs/status-page.md').flatMap(({ language, block }) =>
      language === 'sh' ? commandsOf(block) : [],
    );
    const [port = 0] = await freePorts(1);
    const here = (command: string): string => command.replace('127.0.0.1:9990', `127.0.0.1:${port}`);
    const token = { OTEL_RESILIENCE_STATUS_TOKEN: 'sesame' };
    const app = spawn('/bin/sh', ['-c', `exec env ${here(start)}`], { cwd: folder, env: { ...env(), ...token } });
    try {
      // It has made its calls, so there is a circuit.
      await once(app.stdout, 'data');
      const command = here(curl).replace('https://users.api.example', upstream.url);
      const options = { cwd: folder, env: { ...env(), ...token } };
      const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], options);
      assert.deepEqual(JSON.parse(stdout), { name: upstream.url, state: 'forced_open' });
    } finally {
      app.stdin.end();
      await once(app, 'close');
    }
  });

  const shown = documented('docs/cli.md').flatMap(({ language, block }) => (language === 'console' ? [block] : []));

  it('otel-resilience explain … prints what docs/cli.md shows', async () => {
    const [command = '', ...lines] = shown.find((block) => block.includes(' explain '))?.split('\n') ?? [];
    const { stdout } = await shell(command.slice('$ '.length));
    const expected = lines.join('\n').split('…', 1)[0] as string;
    assert.equal(stdout.slice(0, expected.length), expected);
  });

  it('otel-resilience validate … prints what docs/cli.md shows, for the mistakes it shows', async () => {
    const [command = '', ...lines] = shown.find((block) => block.includes(' validate '))?.split('\n') ?? [];
    const file = path.join(folder, 'resilience.yaml');
    const right = readFileSync(file, 'utf8');
    writeFileSync(file, right.replace('attempt: 3s', 'attempt: soon').replace('policy: users', 'policy: user'));
    const { status, stdout } = await shell(command.slice('$ '.length));
    writeFileSync(file, right);
    assert.equal(status, 1);
    assert.equal(stdout, lines.join('\n'));
  });
});
