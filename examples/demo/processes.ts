import { type ChildProcess, fork, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { packageFolder } from '../../src/cli/package-folder.ts';

export const ROOT = packageFolder(__dirname);
const FOLDER = path.join('examples', 'demo');
const APP = path.join(FOLDER, 'app.js').replaceAll('\\', '/');
export const PRELOAD = 'opentelemetry-instrumentation-resilience/register';
export const COMMAND = `node --require ${PRELOAD} ${APP}`;

/** Flushing telemetry takes an SDK 1.5 s at most; whoever is still there after this is killed. */
const PATIENCE_MS = 3_000;

/** Why the demo ends before its end. `code` is its exit code. */
export class Ended extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** The processes that the demo started, and no others. */
export class Processes extends EventEmitter<{ failed: [Ended] }> {
  readonly #children = new Map<ChildProcess, string>();
  #stopping = false;

  /** Ends all of them by their pid, and waits until they are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#children.keys()].map(end));
  }

  /** Ends one as an operator would. */
  async end(child: ChildProcess): Promise<void> {
    this.#children.delete(child);
    await end(child);
  }

  own(child: ChildProcess, name: string): void {
    this.#children.set(child, name);
    child.once('error', (error) => this.emit('failed', new Ended(`${name} did not start: ${error.message}`, 1)));
    child.once('exit', (code, signal) => {
      if (this.#stopping || !this.#children.has(child)) return;
      // Ctrl-C reaches every process of the terminal, and the demo may hear of it from here first.
      if (signal === 'SIGINT') this.emit('failed', new Ended('interrupted', 130));
      else this.emit('failed', new Ended(`${name} ended unexpectedly (${signal ?? `exit code ${code}`})`, 1));
    });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(timer);
}

export type Behaviour = 'answer' | 'fail' | 'hang up';

/** The flaky service, told over IPC what to do. */
export class Upstream {
  readonly pid: number | undefined;
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.pid = child.pid;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(processes: Processes): Promise<Upstream> {
    const child = fork(path.join(ROOT, 'examples', 'upstream.js'), { execArgv: [], env: plainEnv() });
    processes.own(child, 'the upstream');
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Upstream(child, port);
  }

  /** Resolves when it behaves so, with the requests that have reached it until now. */
  async become(behaviour?: Behaviour): Promise<number> {
    const answer = once(this.#child, 'message');
    this.#child.send({ become: behaviour });
    const [{ requests }] = (await answer) as [{ requests: number }];
    return requests;
  }
}

export interface App {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Starts the shop with one flag more than it would have without us. `onLine` gets what it writes to stderr. */
export async function startApp(
  processes: Processes,
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): Promise<App> {
  const child = spawn(process.execPath, ['--require', PRELOAD, APP], {
    cwd: ROOT,
    env: { ...plainEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.own(child, 'the app');
  createInterface({ input: child.stderr }).on('line', onLine);
  const output = createInterface({ input: child.stdout });
  const [line] = (await once(output, 'line')) as [string];
  return { child, url: line.slice(line.indexOf('http://')) };
}

/** The environment without preloads: what the demo shows is the one flag that it gives itself. */
function plainEnv(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _preloads, ...env } = process.env;
  return env;
}
