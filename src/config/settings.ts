import type { Mode } from '../strategies/shared/policy.ts';
import { type Problems, show } from './problem.ts';

/** What is set by environment variables of its own, apart from any policy. Needs no schema, so that it costs nothing. */
export interface Settings {
  readonly enabled: boolean;
  /** Undefined: not said here. */
  readonly mode: Mode | undefined;
  readonly sdk: 'auto' | 'on' | 'off';
  readonly eventSignal: 'span' | 'logs' | 'logs/dup';
  readonly log: 'auto' | 'off' | 'json';
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const PREFIX = 'OTEL_RESILIENCE_';

const MODES = ['enforce', 'observe'] as const;
const SDK = ['auto', 'on', 'off'] as const;
const EVENT_SIGNALS = ['span', 'logs', 'logs/dup'] as const;
const LOGS = ['auto', 'off', 'json'] as const;

/** Variables read here or by other parts, which are no options of a policy. */
export const SETTING_NAMES: readonly string[] = [
  'ENABLED',
  'MODE',
  'CONFIG_FILE',
  'SDK',
  'EVENT_SIGNAL',
  'LOG',
  'STATUS',
  'STATUS_TOKEN',
].map((name) => PREFIX + name);

export function readSettings(env: Environment, problems: Problems): Settings {
  const choose = <T extends string>(name: string, choices: readonly T[], otherwise: T | undefined, wrong: T) => {
    const given = variable(env, PREFIX + name);
    if (given === undefined) return otherwise as T;
    const choice = choices.find((candidate) => candidate === given.toLowerCase());
    if (choice !== undefined) return choice;
    const message = `expected ${choices.join(' or ')}, got ${show(given)}`;
    problems.add({ path: PREFIX + name, message, source: 'environment' });
    return wrong;
  };
  return {
    // The specification reads a boolean that is neither true nor false as false, and wants it to be told.
    enabled: choose('ENABLED', ['true', 'false'], 'true', 'false') === 'true',
    // Who mistypes a mode may have meant the harmless one.
    mode: choose<Mode>('MODE', MODES, undefined, 'observe') as Mode | undefined,
    sdk: choose('SDK', SDK, 'auto', 'auto'),
    eventSignal: choose('EVENT_SIGNAL', EVENT_SIGNALS, 'logs/dup', 'logs/dup'),
    log: choose('LOG', LOGS, 'auto', 'auto'),
  };
}

/** The value of a variable without the blanks around it; empty means unset, as everywhere in OpenTelemetry. */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name];
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** Whether any variable is set that only the schema can judge. */
export function optionVariables(env: Environment): string[] {
  return Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && !SETTING_NAMES.includes(name) && variable(env, name) !== undefined,
  );
}
