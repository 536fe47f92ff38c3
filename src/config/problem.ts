/** Where an option was set. */
export type ProblemSource = 'file' | 'environment' | 'code';

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** `policies.users.timeout.attempt`, the name of an environment variable, or `<file>:<line>` where it does not parse. */
  readonly path: string;
  /** Names what was given and what was expected. */
  readonly message: string;
  readonly source: ProblemSource;
}

const MAX_KEPT = 200; // a file of nothing but mistakes must not fill the memory
const MAX_LINES = 8;
const MAX_LINE_LENGTH = 300;
const MAX_SHOWN_LENGTH = 60;

/** Gathers what is wrong, and which policies it spoils. */
export class Problems {
  readonly #list: Problem[] = [];
  readonly #spoiled = new Set<string>();

  get list(): readonly Problem[] {
    return this.#list;
  }

  /** `policy` names the policy that must not be used because of this. */
  add(problem: Problem, policy?: string): void {
    if (policy !== undefined) this.#spoiled.add(policy);
    if (this.#list.length < MAX_KEPT) this.#list.push(problem);
  }

  spoils(policy: string): boolean {
    return this.#spoiled.has(policy);
  }
}

/** A few lines that tell a reader of the log what is wrong, whatever the number of problems. */
export function describeProblems(problems: readonly Problem[]): string[] {
  const lines = problems.slice(0, MAX_LINES).map(describe);
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return lines;
}

function describe(problem: Problem): string {
  const line = `${problem.path} (${problem.source}): ${problem.message}`;
  const clean = withoutControlCharacters(line);
  return clean.length > MAX_LINE_LENGTH ? `${clean.slice(0, MAX_LINE_LENGTH - 1)}…` : clean;
}

/** A line break in a value must not forge a second line of the log. */
function withoutControlCharacters(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, '\uFFFD');
}

/** A value as a message shows it: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}…` : value);
  }
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'symbol') return value.description ?? 'a symbol';
  if (typeof value === 'object' && value !== null) return 'a map';
  return typeof value === 'function' ? 'a function' : String(value);
}
