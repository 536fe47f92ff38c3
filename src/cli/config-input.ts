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

/** The problems as a reader wants them: path, source, and what is wrong below. */
export function problemText({ path, source, message }: Problem, terminal: Terminal): string {
  const where = source === 'file' ? '' : ` (${source})`;
  const head = indented(`${path}${where}`, terminal.width, 2);
  return `${terminal.style('bold', head)}\n${indented(message, terminal.width, 6)}`;
}

export function countOf(problems: readonly Problem[]): string {
  return problems.length === 1 ? '1 problem' : `${problems.length} problems`;
}
