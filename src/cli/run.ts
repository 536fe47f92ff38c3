import { parseArgs } from 'node:util';
import { didYouMean } from '../config/suggest.ts';
import { PACKAGE_VERSION } from '../version.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { generalHelp, helpFor, usageOf } from './help.ts';
import { printable, wrap } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Runs a command line (without `node` and the script) and gives its exit code. Never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  // No option takes a value, so that the first word is the command wherever options stand.
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  const name = at === -1 ? undefined : args[at];
  const command = COMMANDS.find((candidate) => candidate.name === name);
  try {
    if (command !== undefined) return await runCommand(command, args.toSpliced(at, 1), terminal);
    return runGeneral(name, args, terminal);
  } catch (error) {
    return tell(error, command, terminal);
  }
}

async function runCommand(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  const { flags, operands } = parse(command, args);
  if (flags.has('help')) {
    terminal.out(helpFor(command, terminal));
    return EXIT.ok;
  }
  checkOperands(command, operands);
  return await command.load()({ terminal, operands, flags });
}

function runGeneral(name: string | undefined, args: readonly string[], terminal: Terminal): number {
  if (name === 'help' || (name === undefined && args.some((arg) => arg === '--help' || arg === '-h'))) {
    const topic = COMMANDS.find((candidate) => args.includes(candidate.name));
    terminal.out(topic === undefined ? generalHelp(terminal) : helpFor(topic, terminal));
    return EXIT.ok;
  }
  if (name === undefined && args.some((arg) => arg === '--version' || arg === '-V')) {
    terminal.out(PACKAGE_VERSION);
    return EXIT.ok;
  }
  const names = COMMANDS.map((command) => command.name);
  if (name !== undefined) {
    throw new UsageError(
      `there is no command ${JSON.stringify(name)}${didYouMean(name, names)}: expected ${names.join(', ')}`,
    );
  }
  const [option] = args;
  if (option !== undefined) throw new UsageError(`unknown option ${JSON.stringify(option)}: expected a command first`);
  terminal.err(generalHelp(terminal));
  return EXIT.usage;
}

function parse(command: Command, args: readonly string[]) {
  const names = [...command.flags.map(([flag]) => flag.replace(/^--/, '')), 'help'];
  const options = Object.fromEntries(
    names.map((name) => [name, { type: 'boolean', ...(name === 'help' && { short: 'h' }) } as const]),
  );
  const { tokens, positionals } = parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true });
  const flags = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!names.includes(token.name)) {
      const known = names.map((name) => `--${name}`);
      throw new UsageError(
        `unknown option ${token.rawName}${didYouMean(token.rawName, known)}: expected ${known.join(', ')}`,
      );
    }
    if (token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value, got ${JSON.stringify(token.value)}`);
    flags.add(token.name);
  }
  return { flags, operands: positionals };
}

function checkOperands(command: Command, given: readonly string[]): void {
  const missing = command.operands.slice(given.length).find((operand) => !operand.startsWith('['));
  if (missing !== undefined) throw new UsageError(`<${missing}> is missing: expected ${usageOf(command)}`);
  const extra = given[command.operands.length];
  if (extra !== undefined) {
    throw new UsageError(`one argument too many, ${JSON.stringify(extra)}: expected ${usageOf(command)}`);
  }
}

function tell(error: unknown, command: Command | undefined, terminal: Terminal): number {
  const said = ['otel-resilience', command?.name].filter((part) => part !== undefined).join(' ');
  if (error instanceof UsageError) {
    terminal.err(wrap(`${said}: ${error.message}`, terminal.width).join('\n'));
    terminal.err(`Try ${said} --help`);
    return EXIT.usage;
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  terminal.err(printable(`${said}: ${detail}`));
  return EXIT.problems;
}
