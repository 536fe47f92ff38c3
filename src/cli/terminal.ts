export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Longer lines are hard to read, and wrap in a window of half a screen. */
const MAX_WIDTH = 100;
const MIN_WIDTH = 60;

/** Where a command runs: its environment, and who reads what it writes. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Whether somebody looks on: then output may be coloured and written over. */
  readonly interactive: boolean;
  /** The most columns a line may have. */
  readonly width: number;
  /** A line, or several. */
  out(text: string): void;
  /** As it is, without a line break after it. */
  write(text: string): void;
  err(text: string): void;
  style(style: Style, text: string): string;
  /** Aborted by Ctrl-C from the first time it is asked for. */
  readonly interrupted: AbortSignal;
}

/** The terminal of this process. */
export class ProcessTerminal implements Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly interactive: boolean;
  readonly width: number;
  readonly #stdout: NodeJS.WriteStream;
  readonly #colours: boolean;
  #interrupted: AbortSignal | undefined;

  constructor(stdout: NodeJS.WriteStream = process.stdout, env: NodeJS.ProcessEnv = process.env) {
    this.env = env;
    this.interactive = stdout.isTTY === true;
    this.width = widthOf(stdout.columns);
    this.#stdout = stdout;
    // https://no-color.org: any value but an empty one.
    this.#colours = this.interactive && !env.NO_COLOR && env.TERM !== 'dumb';
    // Whoever reads only the first lines (`| head`) has closed the pipe: nothing is left to be done.
    stdout.on('error', () => process.exit());
  }

  out(text: string): void {
    this.#stdout.write(`${text}\n`);
  }

  write(text: string): void {
    this.#stdout.write(text);
  }

  err(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  style(style: Style, text: string): string {
    return this.#colours ? paint(style, text) : text;
  }

  get interrupted(): AbortSignal {
    if (this.#interrupted === undefined) {
      const controller = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
      this.#interrupted = controller.signal;
    }
    return this.#interrupted;
  }
}

export function widthOf(columns: number | undefined): number {
  return Math.max(MIN_WIDTH, Math.min(columns ?? MAX_WIDTH, MAX_WIDTH));
}

export function paint(style: Style, text: string): string {
  const [on, off] = CODES[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
