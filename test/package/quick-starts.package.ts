import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { promisify } from 'node:util';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { commandsOf, fenced, section } from '../support/markdown.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { Upstream } from '../support/upstream.ts';
import { cleanEnv } from '../telemetry/child.ts';
import { NODE, PACKAGE, pack } from './install.ts';

const run = promisify(execFile);
const ROOT = path.resolve(__dirname, '../../..');
const APP = path.join(ROOT, 'test/package/fixtures/quick-start-app.cjs');
const QUICK_STARTS = section(readFileSync(path.join(ROOT, 'README.md'), 'utf8'), '## Quick start');
/** Of the address in README, which another collector may have on this machine. */
const PORT = ':4318';
const EXPORTED = `OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost${PORT}`;
const REFUSED = 'ERR_RESILIENCE_CIRCUIT_OPEN';
const CHANGE = 'resilience.circuit_breaker.state_change';

/** With the Node of this test before others, as a user's shell has it; nothing but that is set for a user. */
function shellEnv(extra: Record<string, string>): NodeJS.ProcessEnv {
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`;
  const { OTEL_RESILIENCE_LOG: _, ...env } = cleanEnv({ PATH, ...extra });
  return env;
}

/** README's command, with the package that is not published yet in place of its name. Gives what npm had to say. */
async function install(command: string, folder: string, tarball: string): Promise<string> {
  const words = command.split(' ').map((word) => (word === PACKAGE ? `'${tarball}'` : word));
  const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_prefer_offline: 'true' };
  const { stderr } = await run('/bin/sh', ['-c', words.join(' ')], { cwd: folder, env: shellEnv(quiet) });
  return stderr;
}

/** An app that was started by README's command. */
class Started {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  stderr = '';

  constructor(command: string, folder: string, env: Record<string, string>) {
    this.#child = spawn('/bin/sh', ['-c', `exec env ${command}`], { cwd: folder, env: shellEnv(env) });
    this.#exited = once(this.#child, 'close');
    this.#child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    if (this.#child.stdout === null) throw new Error('no stdout');
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** A vendor's distribution may greet on stdout first. */
  async outcomes(): Promise<readonly unknown[]> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`the app ended: ${this.stderr}`);
      if (line.value.startsWith('[')) return JSON.parse(line.value) as unknown[];
    }
  }

  async end(): Promise<number | null> {
    this.#child.stdin?.end();
    await this.#exited;
    return this.#child.exitCode;
  }
}

describe(`the quick starts of README, as it prints them, on Node ${NODE}`, function () {
  this.timeout(300_000);
  let packed: Awaited<ReturnType<typeof pack>>;
  let folder: string;
  let receiver: OtlpReceiver;
  let upstream: Upstream;
  let app: Started | undefined;

  before(async () => {
    packed = await pack();
  });
  after(() => packed.dispose());
  beforeEach(async () => {
    receiver = await OtlpReceiver.start();
    upstream = await Upstream.start();
    upstream.status = 503;
    // What a user brings along, and nothing else.
    folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-quick-start-'));
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
    cpSync(APP, path.join(folder, 'app.js'));
  });
  afterEach(async () => {
    await app?.end();
    app = undefined;
    await upstream.close();
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** An app protected by the default policy: its 20th failure opens the circuit, whichever client makes the calls. */
  const play = async (command: string): Promise<void> => {
    upstream.reset();
    const { OTEL_EXPORTER_OTLP_ENDPOINT: _, ...often } = receiver.env;
    const local = command.replace(PORT, `:${new URL(receiver.url).port}`);
    const variables = command.includes(EXPORTED) ? often : {};
    app = new Started(local, folder, { ...variables, UPSTREAM_URL: upstream.url });
    assert.deepEqual(await app.outcomes(), [...Array(20).fill(503), REFUSED, REFUSED]);
    assert.equal(upstream.requests, 20);
    if (command.includes(EXPORTED)) await exported();
    const code = await app.end();
    assert.equal(code, 0, app.stderr);
    if (command.includes('OTEL_RESILIENCE_LOG=json')) assertLines(app.stderr);
    // Distributions of vendors have their own to say.
    else if (!command.includes('@elastic')) assert.doesNotMatch(app.stderr, /resilience|Error/);
  };

  const exported = async (): Promise<void> => {
    const ours = () => receiver.spans.filter(({ name }) => name === 'resilience.execute default');
    const clients = () => receiver.spans.filter(({ kind }) => kind === 'CLIENT');
    // The call that made the upstream unhealthy, the one that opened the circuit, and the two that were refused.
    await receiver.until('our spans', () => ours().length >= 4);
    await receiver.until('the spans of the requests', () => clients().length >= 20);
    await receiver.until('the metric', () => receiver.series('resilience.rejections')[0]?.value === 2);
    await receiver.until('the log record', () => receiver.logs.some(({ eventName }) => eventName === CHANGE));
    assert.equal(ours().length, 4);
    assert.equal(clients().length, 20);
    assert.equal(ours()[0]?.resource['service.name'], 'shop');
  };

  const assertLines = (stderr: string): void => {
    const events = stderr.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).event as string]));
    assert.equal(events[0], 'resilience.started');
    assert.ok(events.includes(CHANGE));
  };

  const titles = [...QUICK_STARTS.matchAll(/^### (\d\. .+)$/gm)].map(([, title]) => title as string);

  it('are four', () => {
    assert.equal(titles.length, 4);
  });

  for (const title of titles) {
    it(`${title}: installs, protects, and exports where it says so`, async () => {
      const text = section(QUICK_STARTS, `### ${title}`);
      for (const file of fenced(text, 'js')) {
        const [, name] = /^\/\/ (\S+\.js)\n/.exec(file) ?? [];
        writeFileSync(path.join(folder, name ?? 'no-name.js'), file);
      }
      const commands = fenced(text, 'sh').flatMap(commandsOf);
      assert.match(commands[0] ?? '', new RegExp(`^npm install ${PACKAGE}\\b`));
      for (const command of commands) {
        if (!command.startsWith('npm install ')) await play(command);
        else assert.doesNotMatch(await install(command, folder, packed.tarball), /EBADENGINE|ERESOLVE|peer dep/);
      }
      assert.ok(commands.some((command) => command.includes(EXPORTED)));
    });
  }

  it('take the API of the SDK line that runs here', async () => {
    const [command = ''] = fenced(section(QUICK_STARTS, '### 4. With an SDK in code'), 'sh').flatMap(commandsOf);
    await install(command, folder, packed.tarball);
    const api = path.join(folder, 'node_modules/@opentelemetry/api/package.json');
    const { version } = JSON.parse(readFileSync(api, 'utf8')) as { version: string };
    // The SDK 2.x, the last for Node 20, goes no further than 1.9.
    assert.match(version, NODE < 22 ? /^1\.9\./ : /^1\./);
  });
});
