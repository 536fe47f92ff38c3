import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';
import { cleanEnv, FIXTURES, REGISTER } from './app-under-test.ts';

export interface LogLine {
  readonly timestamp: string;
  readonly severity: string;
  readonly event: string;
  readonly message: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly request_id?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** An unmodified server in a process of its own, preloaded with us, that calls an upstream for each request. */
export class Gateway {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #stderr: { text: string };

  static async start(client: string, env: Record<string, string>): Promise<Gateway> {
    const child = spawn(process.execPath, ['--require', REGISTER, path.join(FIXTURES, 'gateway.cjs'), client], {
      env: cleanEnv(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stderr = { text: '' };
    child.stderr?.on('data', (chunk) => {
      stderr.text += chunk;
    });
    if (child.stdout === null) throw new Error('no stdout');
    const [port] = await Promise.race([
      once(readline.createInterface({ input: child.stdout }), 'line'),
      once(child, 'exit'),
    ]);
    if (!Number(port)) throw new Error(`the gateway did not start: ${stderr.text}`);
    return new Gateway(child, Number(port), stderr);
  }

  private constructor(child: ChildProcess, port: number, stderr: { text: string }) {
    this.#child = child;
    this.#port = port;
    this.#stderr = stderr;
  }

  get stderr(): string {
    return this.#stderr.text;
  }

  /** What it has logged so far: every line of its stderr must be one. */
  get log(): LogLine[] {
    const complete = this.stderr.slice(0, this.stderr.lastIndexOf('\n') + 1).split('\n');
    return complete.filter((line) => line !== '').map((line) => JSON.parse(line) as LogLine);
  }

  async ask(headers: Record<string, string> = {}): Promise<{ answered: number; failed: number }> {
    const request = http.get({ host: '127.0.0.1', port: this.#port, headers, agent: this.#agent });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return JSON.parse(Buffer.concat(chunks).toString()) as { answered: number; failed: number };
  }

  /** Lets it end by itself, and gives its exit code once all it wrote has been read. */
  async end(): Promise<number | null> {
    this.#agent.destroy();
    if (this.#child.exitCode === null) {
      const closed = once(this.#child, 'close');
      this.#child.stdin?.end();
      await closed;
    }
    return this.#child.exitCode;
  }
}
