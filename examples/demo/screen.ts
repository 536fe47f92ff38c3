const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

/** Wide enough for a trace, narrow enough for any terminal. */
const COLUMNS = 100;
const INDENT = ' '.repeat(10);

/** Prints the story: one line for each thing that happened, with its time, and blocks of lines in between. */
export class Screen {
  readonly #coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
  #startedAt = performance.now();
  #last = '';

  /** Times are told from here on. */
  begin(): void {
    this.#startedAt = performance.now();
  }

  happened(topic: string, text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
    this.#print(`${this.paint(`${seconds.padStart(6)} s`, 'dim')}  ${topic.padEnd(10)}${text}`);
  }

  block(title: string, lines: readonly string[]): void {
    this.#gap();
    this.#print(INDENT + this.paint(title, 'bold'));
    for (const line of lines) this.#print(INDENT + line);
    this.#gap();
  }

  lines(...lines: readonly string[]): void {
    for (const line of lines) this.#print(line);
  }

  paint(text: string, style: Style): string {
    return this.#coloured ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }

  #gap(): void {
    if (this.#last !== '') this.#print('');
  }

  #print(line: string): void {
    this.#last = line;
    process.stdout.write(`${this.#coloured ? line : line.slice(0, COLUMNS)}\n`);
  }
}

/** Rows with their columns aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (known, row) => row.map((cell, column) => Math.max(known[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
