import type { Command, Explained } from './command.ts';
import { COMMANDS } from './commands.ts';
import { indented, table } from './layout.ts';
import type { Terminal } from './terminal.ts';

const NAME = 'otel-resilience';
const MARGIN = 2;

export function usageOf({ name, operands }: Command): string {
  const shown = operands.map((operand) => (operand.startsWith('[') ? operand : `<${operand}>`));
  return [NAME, name, ...shown].join(' ');
}

export function helpFor(command: Command, terminal: Terminal): string {
  const { width } = terminal;
  const flags: Explained[] = [...command.flags, ['--help', 'show this']];
  return [
    `${usageOf(command)} ${flags.map(([flag]) => `[${flag}]`).join(' ')}`,
    command.about.map((paragraph) => indented(paragraph, width, 0)).join('\n\n'),
    section('Options', flags, terminal),
    section('Exit code', command.exits, terminal),
    heading('Examples', terminal, command.examples.map((example) => indented(example, width, MARGIN)).join('\n')),
  ].join('\n\n');
}

export function generalHelp(terminal: Terminal): string {
  const commands = COMMANDS.map((command): Explained => [usageOf(command).slice(NAME.length + 1), command.summary]);
  return [
    `${NAME} <command> [options]`,
    section('Commands', commands, terminal),
    section(
      'Options',
      [
        ['--help', 'of a command: what it does, its options and exit codes'],
        ['--version', 'print the version'],
      ],
      terminal,
    ),
    section(
      'Exit code',
      [
        ['0', 'done, and nothing is wrong'],
        ['1', 'something is wrong with what was looked at, or it could not be looked at'],
        ['2', 'the command line makes no sense, or names a file that cannot be read'],
      ],
      terminal,
    ),
    indented(
      'Not installed? npx --package opentelemetry-instrumentation-resilience otel-resilience <command>',
      terminal.width,
      0,
    ),
    indented('Nothing is ever written to disk. Colours only on a terminal, and not with NO_COLOR.', terminal.width, 0),
  ].join('\n\n');
}

function section(title: string, rows: readonly Explained[], terminal: Terminal): string {
  const cells = rows.map(([text, meaning]) => [{ text }, { text: meaning }]);
  const body = table(cells, terminal.width - MARGIN, 1);
  return heading(title, terminal, body.replace(/^/gm, ' '.repeat(MARGIN)));
}

function heading(title: string, terminal: Terminal, body: string): string {
  return `${terminal.style('bold', title)}\n${body}`;
}
