import { run } from '../../src/cli/run.ts';
import { paint, type Style, type Terminal } from '../../src/cli/terminal.ts';

/** Keeps what is written. */
export class FakeTerminal implements Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly interactive: boolean;
  readonly width = 100;
  readonly controller = new AbortController();
  stdout = '';
  stderr = '';
  /** Told of each piece of output. */
  onWrite: (text: string) => void = () => {};

  constructor(options: { env?: NodeJS.ProcessEnv; interactive?: boolean } = {}) {
    this.env = options.env ?? {};
    this.interactive = options.interactive ?? false;
  }

  out(text: string): void {
    this.write(`${text}\n`);
  }

  write(text: string): void {
    this.stdout += text;
    this.onWrite(text);
  }

  err(text: string): void {
    this.stderr += `${text}\n`;
  }

  style(style: Style, text: string): string {
    return this.interactive ? paint(style, text) : text;
  }

  get interrupted(): AbortSignal {
    return this.controller.signal;
  }

  get longestLine(): number {
    return Math.max(...`${this.stdout}\n${this.stderr}`.split('\n').map((line) => line.length));
  }
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly longestLine: number;
}

/** Runs a command line in this process. */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  const terminal = new FakeTerminal({ env });
  const code = await run(args, terminal);
  const { stdout, stderr, longestLine } = terminal;
  return { code, stdout, stderr, longestLine };
}
