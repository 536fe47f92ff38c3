import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const running = new Set<ChildProcess>();

/** Started without the settings of this shell that would change what is measured. */
function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(kept), ...extra };
}

/** Ends with us. */
export function track<C extends ChildProcess>(child: C): C {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export interface ChildOptions {
  readonly execArgv?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What its configuration file says. */
  readonly configuration?: string | undefined;
}

let folder: string | undefined;
let files = 0;

/** The variable that names a file with this content, which goes when this process ends. */
function configured(configuration: string | undefined): Record<string, string> {
  if (configuration === undefined) return {};
  folder ??= mkdtempSync(path.join(os.tmpdir(), 'resilience-bench-'));
  const file = path.join(folder, `${++files}.yaml`);
  writeFileSync(file, configuration);
  return { OTEL_RESILIENCE_CONFIG_FILE: file };
}

/** A process that is asked for one thing after the other. */
export class Child {
  readonly #process: ChildProcess;

  constructor(file: string, { execArgv = [], args = [], env, configuration }: ChildOptions) {
    this.#process = track(
      fork(file, [...args], {
        execArgv: [...execArgv],
        env: cleanEnvironment({ ...env, ...configured(configuration) }),
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      }),
    );
  }

  /** What it says next. */
  async reply(): Promise<unknown> {
    const abort = new AbortController();
    try {
      return await Promise.race([
        once(this.#process, 'message', { signal: abort.signal }).then(([message]) => message as unknown),
        once(this.#process, 'exit', { signal: abort.signal }).then(([code, signal]) => {
          throw new Error(`a child process ended (${code ?? signal})`);
        }),
      ]);
    } finally {
      abort.abort();
    }
  }

  ask(question: object): Promise<unknown> {
    const reply = this.reply();
    this.#process.send(question);
    return reply;
  }

  async end(): Promise<void> {
    if (!running.has(this.#process)) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill();
    await gone;
  }
}

/** What a script of Node's writes to stdout. */
export async function outputOf(file: string, options: ChildOptions = {}): Promise<string> {
  const { execArgv = [], args = [], env, configuration } = options;
  const child = track(
    spawn(process.execPath, [...execArgv, file, ...args], {
      env: cleanEnvironment({ ...env, ...configured(configuration) }),
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return output;
}

/** Leaves nothing behind, however this process ends. */
export function endChildrenWithUs(): void {
  const killAll = (): void => {
    for (const child of running) child.kill('SIGKILL');
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', killAll);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
}
