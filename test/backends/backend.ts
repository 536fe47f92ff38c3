import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { cleanEnv } from '../e2e/app-under-test.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 100;

export interface BackendOptions {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Answers 2xx or 404 when the process is ready for all it is there for. */
  readonly readyUrl: string;
}

/** A real backend in a process of its own, on loopback. Ended by its own process id. */
export class Backend {
  /** What it wrote, to stdout and stderr. */
  output = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor({ binary, args, env, cwd }: BackendOptions) {
    this.#child = spawn(binary, args, { env: cleanEnv(env), cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]).catch((error) => {
      this.output += String(error);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
  }

  static async start(options: BackendOptions): Promise<Backend> {
    const backend = new Backend(options);
    let ended = false;
    void backend.#exited.then(() => {
      ended = true;
    });
    try {
      await eventually(`${options.name} is ready`, START_TIMEOUT_MS, async () => {
        if (ended) throw new GivenUp(`${options.name} ended at its start:\n${backend.output.slice(-4_000)}`);
        const { ok, status } = await fetch(options.readyUrl, { signal: AbortSignal.timeout(2_000) });
        return ok || status === 404;
      });
      return backend;
    } catch (error) {
      await backend.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.#child.kill('SIGTERM');
    await this.#exited;
    clearTimeout(timer);
  }
}

/** An error that waiting longer does not help against. */
export class GivenUp extends Error {}

/**
 * Asks again until the answer is neither undefined nor false, and gives it. Errors on the way are kept for the message:
 * what is asked for may not be there yet.
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`not within ${timeoutMs / 1000} s: ${what}${last === undefined ? '' : ` (${last})`}`);
}

/** Ports that nothing listens on, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => net.createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
