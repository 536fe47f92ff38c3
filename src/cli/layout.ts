/** Control and direction marks: in a file or an answer they could make a terminal show something else. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text that was not written here, fit to be shown. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD');
}

/** Lines of at most `width` characters, broken between words where that is possible. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    let rest = word;
    if (line !== '' && line.length + 1 + rest.length > width) {
      lines.push(line);
      line = '';
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  return [...lines, line];
}

/** The same, each line after so many blanks. */
export function indented(text: string, width: number, blanks: number): string {
  const margin = ' '.repeat(blanks);
  return wrap(text, width - blanks)
    .map((line) => margin + line)
    .join('\n');
}

export interface Cell {
  readonly text: string;
  /** Applied once the cell has its width. */
  readonly style?: ((text: string) => string) | undefined;
}

const GAP = 2;

/** Rows of cells in columns. The column at `flexible` gives way, over several lines, so that `width` is kept. */
export function table(rows: readonly (readonly Cell[])[], width: number, flexible: number): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(0, ...rows.map((row) => printable(row[at]?.text ?? '').length)),
  );
  const others = widths.reduce((sum, own, at) => (at === flexible ? sum : sum + own), 0) + GAP * (columns - 1);
  widths[flexible] = Math.max(12, Math.min(widths[flexible] ?? 0, width - others));
  return rows.map((row) => lines(row, widths)).join('\n');
}

function lines(row: readonly Cell[], widths: readonly number[]): string {
  const cells = row.map(({ text }, at) => wrap(text, Math.max(1, widths[at] ?? 1)));
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) =>
    row
      .map(({ style = (text) => text }, at) => {
        const text = cells[at]?.[line] ?? '';
        const last = at === row.length - 1;
        return style(text) + (last ? '' : ' '.repeat((widths[at] ?? 0) - text.length + GAP));
      })
      .join('')
      .trimEnd(),
  ).join('\n');
}
