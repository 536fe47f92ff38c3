import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { CERTIFICATE } from '../support/upstream.ts';

export const REGISTER = 'opentelemetry-instrumentation-resilience/register';

/** How this package and the tool are loaded. */
export type Loading = 'bare' | 'ours first' | 'tool first';

/** The preloads in their order. */
export function preloads(loading: Loading, tool: string): string[] {
  const order = { bare: [tool], 'ours first': [REGISTER, tool], 'tool first': [tool, REGISTER] };
  return order[loading].flatMap((file) => ['--require', file]);
}

/** The environment of this process without what would make an SDK start or a runner meddle. */
export function appEnv(extra: Record<string, string>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS$|NODE_V8_COVERAGE$)/.test(name));
  return { ...Object.fromEntries(kept), NODE_EXTRA_CA_CERTS: CERTIFICATE, ...extra };
}

/** The web shop of `fixtures/shop.cjs` in a process of its own. */
export class Shop {
  output = '';
  readonly #child: ChildProcess;
  #port = 0;

  constructor(folder: string, execArgv: readonly string[], env: Record<string, string>) {
    const options = { cwd: folder, execArgv: [...execArgv], env: appEnv(env), silent: true };
    this.#child = fork(path.join(folder, 'shop.cjs'), options);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
  }

  async opened(): Promise<void> {
    const opened = once(this.#child, 'message');
    const ended = once(this.#child, 'exit').then(() => Promise.reject(new Error(`the shop ended: ${this.output}`)));
    const [port] = (await Promise.race([opened, ended])) as [number];
    ended.catch(() => {});
    this.#port = port;
  }

  /** What came of a call that the shop made: a status or the code of an error. */
  async call(client: string, upstreamPath: string): Promise<unknown> {
    const query = new URLSearchParams({ client, path: upstreamPath });
    const request = http.get({ port: this.#port, host: '127.0.0.1', path: `/call?${query}`, agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of response) body += chunk;
    return JSON.parse(body);
  }

  /** The names of all that has a circuit. */
  async upstreams(): Promise<string[]> {
    this.#child.send('upstreams');
    const [names] = (await once(this.#child, 'message')) as [string[]];
    return names;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.send('end');
    await exited;
  }
}
