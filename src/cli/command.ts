import type { Terminal } from './terminal.ts';

/** How every command ends: what scripts go by, and `--help` documents. */
export const EXIT = {
  /** Done; nothing is wrong. */
  ok: 0,
  /** Done, and something is wrong with what was looked at; or it could not be looked at. */
  problems: 1,
  /** The command line makes no sense, or names a file that cannot be read. */
  usage: 2,
} as const;

export interface Invocation {
  readonly terminal: Terminal;
  /** What follows the command, without options. */
  readonly operands: readonly string[];
  /** The options given, by name. */
  readonly flags: ReadonlySet<string>;
}

/** Does the work and gives the exit code. */
export type Run = (invocation: Invocation) => number | Promise<number>;

/** A text and what it means, for `--help`. */
export type Explained = readonly [text: string, meaning: string];

export interface Command {
  readonly name: string;
  /** Names of the operands; one in square brackets may be left out. */
  readonly operands: readonly string[];
  /** In a few words. */
  readonly summary: string;
  /** Paragraphs. */
  readonly about: readonly string[];
  /** Besides `--help`. All of them switch something on. */
  readonly flags: readonly Explained[];
  readonly exits: readonly Explained[];
  readonly examples: readonly string[];
  /** Loads what it needs when it is run and not before. */
  readonly load: () => Run;
}

/** The command line makes no sense: says which part, and what was expected there. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
