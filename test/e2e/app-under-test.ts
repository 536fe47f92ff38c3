import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { CERTIFICATE } from '../support/upstream.ts';

const ROOT = path.resolve(__dirname, '../../..');
export const REGISTER = path.join(ROOT, 'build/src/register.js');
export const FIXTURES = path.join(ROOT, 'test/e2e/fixtures');

/** As users name it. */
const INSTALLED_REGISTER = 'opentelemetry-instrumentation-resilience/register';

/** How the app is loaded: `bare` is without us. */
export type Loading = 'bare' | '--require' | '--import' | 'NODE_OPTIONS';

export interface AppOptions {
  readonly client: string;
  readonly loading?: Loading;
  readonly module?: 'cjs' | 'mjs';
  readonly env?: Record<string, string>;
  /** Where the app lies, and runs, with this package installed; else this repository. */
  readonly folder?: string;
  /** Preloads that go before ours. */
  readonly before?: readonly string[];
  /** Preloads that go after ours. */
  readonly after?: readonly string[];
}

export interface CallOptions {
  /** Instead of the one the app was started for. */
  readonly client?: string;
  readonly concurrent?: boolean;
  /** The name of a span of the app's own, one for each call. */
  readonly span?: string;
  /** A module that is loaded first, as an app that sets up OpenTelemetry when it is running. */
  readonly setup?: string;
}

/** The environment of this process without what would make an SDK start or a runner meddle. */
export function cleanEnv(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$|NODE_V8_COVERAGE$)/.test(name));
  return { ...Object.fromEntries(kept), NODE_EXTRA_CA_CERTS: CERTIFICATE, OTEL_RESILIENCE_LOG: 'off', ...extra };
}

export function preload(
  loading: Loading,
  register = REGISTER,
): { readonly args: string[]; readonly env: Record<string, string> } {
  if (loading === 'bare') return { args: [], env: {} };
  if (loading === 'NODE_OPTIONS') return { args: [], env: { NODE_OPTIONS: `--require "${register}"` } };
  return { args: [loading, register], env: {} };
}

/** An unmodified app in a process of its own, told over stdin what to call. */
export class AppUnderTest {
  readonly child: ChildProcess;
  stderr = '';
  readonly #answers: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;

  constructor(options: AppOptions) {
    const { args, env } = preload(options.loading ?? '--require', options.folder && INSTALLED_REGISTER);
    const file = path.join(options.folder ?? FIXTURES, `app.${options.module ?? 'cjs'}`);
    this.child = spawn(
      process.execPath,
      [...(options.before ?? []), ...args, ...(options.after ?? []), file, options.client],
      {
        cwd: options.folder,
        env: cleanEnv({ ...env, ...options.env }),
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#exited = once(this.child, 'exit');
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    if (this.child.stdout === null) throw new Error('no stdout');
    this.#answers = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** What came of so many calls: statuses, or the names and codes of an error and its causes. */
  async call(url: string, calls: number, how: boolean | CallOptions = {}): Promise<Array<number | string>> {
    const options = typeof how === 'boolean' ? { concurrent: how } : how;
    this.child.stdin?.write(`${JSON.stringify({ url, calls, ...options })}\n`);
    const answer = await this.#answers.next();
    if (answer.done === true) throw new Error(`the app ended: ${this.stderr}`);
    return JSON.parse(answer.value) as Array<number | string>;
  }

  /** Lets the app end by itself, as it does once its input is closed, and gives its exit code. */
  async end(): Promise<number | null> {
    this.child.stdin?.end();
    await this.#exited;
    return this.child.exitCode;
  }
}
