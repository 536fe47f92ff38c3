import { readConfigText } from '../config/file.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import type { Problem } from '../config/problem.ts';
import type { Environment } from '../config/settings.ts';
import { UsageError } from './command.ts';
import { indented } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** Every declarative file of OpenTelemetry says which version of that format it has. */
const DECLARATIVE = /^\s*(?:\{\s*)?["']?file_format["']?\s*:/m;

/** The configuration of a file that can be read, beside the given environment. */
export function loadFile(file: string, env: Environment): LoadedConfig {
  const text = readFile(file);
  const { OTEL_RESILIENCE_CONFIG_FILE: _own, OTEL_CONFIG_FILE: _declarative, ...rest } = env;
  const name = DECLARATIVE.test(text) ? 'OTEL_CONFIG_FILE' : 'OTEL_RESILIENCE_CONFIG_FILE';
  return loadConfig({ env: { ...rest, [name]: file }, readFile: () => text });
}

function readFile(file: string): string {
  try {
    return readConfigText(file);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new UsageError(`<file> ${JSON.stringify(file)} cannot be read: ${detail}`);
  }
}

/** Without our variables. Those of others stay: a declarative file may name them. */
export function withoutOwnVariables(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_RESILIENCE_')));
}

/** Where the problem is, and below it what is wrong and what follows, in the words in which a running app tells it. */
export function problemText(problem: Problem, terminal: Terminal): string {
  const { path, source, message, location, consequence } = problem;
  const where = source === 'file' ? location : source;
  const head = indented(where === undefined ? path : `${path} (${where})`, terminal.width, 2);
  const told = consequence === undefined ? [message] : [message, consequence];
  return [terminal.style('bold', head), ...told.map((text) => indented(text, terminal.width, 6))].join('\n');
}

export function countOf(problems: readonly Problem[]): string {
  return problems.length === 1 ? '1 problem' : `${problems.length} problems`;
}
