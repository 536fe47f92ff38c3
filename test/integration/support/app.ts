import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { UpstreamSnapshot } from '../../../src/index.ts';
import { CERTIFICATE } from '../../support/upstream.ts';

const ROOT = path.resolve(__dirname, '../../../..');
const REGISTER = path.join(ROOT, 'build/src/register.js');
const FIXTURES = path.join(ROOT, 'test/integration/fixtures');

/** What the app's code calls directly: every behaviour is shown for each of them. */
export const CLIENTS = ['http.request', 'fetch', 'undici6.request', 'undici7.request'] as const;
/** Clients made of those, which apps use more often. */
export const WRAPPERS = ['axios', 'got'] as const;
export const ALL_CLIENTS = [...CLIENTS, ...WRAPPERS] as const;
export type Client = (typeof ALL_CLIENTS)[number];

export interface Tie {
  readonly kind: 'certificate' | 'lookup' | 'servername' | 'unchecked';
  /** Undici has no such options of a call. */
  readonly on: 'call' | 'agent';
  /** Whose certificate. */
  readonly who?: 'alice' | 'bob';
}

export interface Ask {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly kind: string; readonly text?: string; readonly bytes?: number; readonly count?: number };
  /** The app's own limits: the client's timeout option, or a signal. */
  readonly timeoutMs?: number;
  readonly signalMs?: number;
  /** Further tries of the app's own. */
  readonly appRetries?: number;
  /**
   * Set after the request was made: by `setHeader` on `http.request`, which sends them, in the object with the headers
   * for undici, which has read it already.
   */
  readonly lateHeaders?: Readonly<Record<string, string>>;
  /** What ties the call to a place or an identity (fixtures/ties.cjs). */
  readonly tie?: Tie;
  /** Tells of every chunk. */
  readonly watch?: boolean;
}

export interface ErrorLink {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  readonly scope?: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly text: string;
  /** An error and its causes. */
  readonly error?: readonly ErrorLink[];
}

export interface AppSetup {
  /** The YAML file; without one we are not there at all. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further modules of `fixtures/` to load before the app. */
  readonly preloads?: readonly string[];
}

interface Message {
  readonly id?: number | string;
  readonly reply?: unknown;
  readonly tell?: 'head' | 'chunk' | 'pulled';
}

/** A call that is under way in the app. */
export class Running extends EventEmitter<{ head: []; chunk: []; pulled: [] }> {
  pulled = 0;
  chunks = 0;
  readonly reply: Promise<Reply>;
  readonly abort: () => void;

  constructor(reply: Promise<Reply>, abort: () => void) {
    super();
    this.reply = reply;
    this.abort = abort;
    this.on('pulled', () => this.pulled++);
    this.on('chunk', () => this.chunks++);
  }
}

/** An unmodified app under `--require .../register` with a configuration file, in a process of its own. */
export class App {
  stderr = '';
  readonly #child: ChildProcess;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'resilience-app-'));
  readonly #waiting = new Map<number, (reply: unknown) => void>();
  readonly #running = new Map<number, Running>();
  #lastId = 0;

  static async start(setup: AppSetup = {}): Promise<App> {
    const app = new App(setup);
    await once(app.#child, 'message');
    return app;
  }

  private constructor({ config, env = {}, preloads = [] }: AppSetup) {
    const file = path.join(this.#folder, 'resilience.yaml');
    if (config !== undefined) writeFileSync(file, config);
    const ours = config === undefined ? [] : [REGISTER, path.join(FIXTURES, 'inspect.cjs')];
    const modules = [...ours, ...preloads.map((name) => path.join(FIXTURES, name))];
    const kept = Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$|NODE_V8_COVERAGE$)/.test(name));
    this.#child = fork(path.join(FIXTURES, 'app.cjs'), {
      execArgv: modules.flatMap((module) => ['--require', module]),
      env: {
        ...Object.fromEntries(kept),
        NODE_EXTRA_CA_CERTS: CERTIFICATE,
        // What a test looks for on stderr is not that a circuit has opened.
        OTEL_RESILIENCE_LOG: 'off',
        ...(config === undefined ? {} : { OTEL_RESILIENCE_CONFIG_FILE: file }),
        ...env,
      },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#child.on('message', (message) => this.#hear(message as Message));
    this.#child.on('exit', (code) => {
      const reply: Reply = { text: '', error: [{ name: 'the app ended', message: `${code} ${this.stderr}` }] };
      for (const resolve of this.#waiting.values()) resolve(reply);
    });
  }

  call(client: Client, ask: Ask): Promise<Reply> {
    return this.begin(client, ask).reply;
  }

  begin(client: Client, ask: Ask): Running {
    const id = ++this.#lastId;
    const reply = this.#send(id, { ask: { ...ask, client } }) as Promise<Reply>;
    const running = new Running(reply, () => this.#child.send({ abort: id }));
    this.#running.set(id, running);
    return running;
  }

  /** So many calls at once. */
  burst(client: Client, ask: Ask, times: number): Promise<Reply[]> {
    return this.#send(++this.#lastId, { ask: { ...ask, client }, times }) as Promise<Reply[]>;
  }

  async upstream(name: string): Promise<UpstreamSnapshot> {
    const all = (await this.#send(++this.#lastId, { evaluate: 'upstreams' })) as UpstreamSnapshot[];
    const found = all.find(({ upstream }) => upstream === name);
    if (found === undefined) throw new Error(`no upstream ${name} among ${all.map(({ upstream }) => upstream)}`);
    return found;
  }

  /** Asks again and again until `found` answers true; for states that nothing announces. */
  async until(name: string, found: (snapshot: UpstreamSnapshot) => boolean): Promise<void> {
    for (;;) {
      if (found(await this.upstream(name))) return;
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.disconnect();
      await exited;
    }
    rmSync(this.#folder, { recursive: true });
  }

  #send(id: number, message: object): Promise<unknown> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, ...message });
    });
  }

  #hear({ id, reply, tell }: Message): void {
    if (typeof id !== 'number') return;
    if (tell !== undefined) {
      this.#running.get(id)?.emit(tell);
      return;
    }
    this.#waiting.get(id)?.(reply);
    this.#waiting.delete(id);
    this.#running.delete(id);
  }
}

/** The codes of an error and its causes; names where there is none. */
export function codesOf(reply: Reply): string[] {
  return (reply.error ?? []).map(({ name, code }) => code ?? name);
}
