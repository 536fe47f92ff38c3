import type { EffectiveOption } from '../config/effective-options.ts';
import { type Cell, table } from './layout.ts';
import type { Style, Terminal } from './terminal.ts';

export type Fact = readonly [name: string, value: string];

export function factTable(facts: readonly Fact[], terminal: Terminal): string {
  const rows = facts.map(([name, value]) => [{ text: name, style: paintedBy(terminal, 'dim') }, { text: value }]);
  return table(rows, terminal.width, 1);
}

const SOURCE_STYLES: Readonly<Record<EffectiveOption['source'], Style | undefined>> = {
  default: 'dim',
  preset: 'cyan',
  file: 'green',
  environment: 'yellow',
  code: undefined,
};

export function optionTable(options: readonly EffectiveOption[], terminal: Terminal): string {
  const bold = paintedBy(terminal, 'bold');
  const header: Cell[] = ['option', 'value', 'from'].map((text) => ({ text, style: bold }));
  const rows = options.map(({ path, written, source }): Cell[] => {
    const style = SOURCE_STYLES[source];
    const painted = style === undefined ? undefined : paintedBy(terminal, style);
    return [{ text: path }, { text: valueText(written) }, { text: source, style: painted }];
  });
  return table([header, ...rows], terminal.width, 1);
}

function paintedBy(terminal: Terminal, style: Style): (text: string) => string {
  return (text) => terminal.style(style, text);
}

function valueText(written: unknown): string {
  if (written === undefined) return '-';
  if (Array.isArray(written) && written.length > 0) return written.join(', ');
  return typeof written === 'string' ? written : JSON.stringify(written);
}
