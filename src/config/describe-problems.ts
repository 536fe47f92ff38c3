import type { Problem } from './problem.ts';

const MAX_LINES = 8;
const MAX_LINE_LENGTH = 400;

/**
 * A few lines that tell a reader of the log what is wrong and what follows from it, whatever the number of problems.
 * `file`: the configuration file that was asked for, if any, which the command line can check; it can check the environment without one.
 */
export function describeProblems(problems: readonly Problem[], file?: string): string[] {
  const lines = problems.slice(0, MAX_LINES).map(describe);
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  const check = checkWith(problems, file);
  if (check !== undefined) lines.push(`to check the configuration: npx otel-resilience ${check}`);
  return lines;
}

/** Code cannot be checked from outside. */
function checkWith(problems: readonly Problem[], file: string | undefined): string | undefined {
  if (problems.length === 0) return undefined;
  const environment = problems.some(({ source }) => source === 'environment');
  if (file === undefined) return environment ? 'explain' : undefined;
  const name = /^[\w./-]+$/.test(file) ? file : JSON.stringify(file);
  return printable(`validate ${name}${environment ? ' --env' : ''}`);
}

/** The consequence is never cut off: it is what the reader needs most. */
function describe({ path, source, location, message, consequence }: Problem): string {
  const end = consequence === undefined ? '' : `; ${printable(consequence)}`;
  const start = printable(`${path} (${location ?? source}): ${message}`);
  const room = Math.max(MAX_LINE_LENGTH - end.length, MAX_LINE_LENGTH / 2);
  return (start.length > room ? `${start.slice(0, room - 1)}…` : start) + end;
}

/** A line break in a value must not forge a second line of the log. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, '\uFFFD');
}
