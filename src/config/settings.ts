import type { Mode } from '../strategies/shared/policy.ts';
import { type Effect, type Problems, show } from './problem.ts';
import { didYouMean } from './suggest.ts';

/** What environment variables set apart from any policy. Needs no schema, so that it costs nothing to read. */
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

/** A variable of its own, for tables and messages. */
export interface Setting {
  /** Without the prefix. */
  readonly name: string;
  /** Every value it takes, the default first; undefined: any text. */
  readonly choices?: readonly string[];
  /** Where it takes any text: the default and what to write, in words. */
  readonly takes?: string;
  readonly description: string;
}

const ENABLED = ['true', 'false'] as const;
const MODES = ['enforce', 'observe'] as const;
const SDK = ['auto', 'on', 'off'] as const;
const EVENT_SIGNALS = ['logs/dup', 'logs', 'span'] as const;
const LOGS = ['auto', 'off', 'json'] as const;

/** Variables read here or by other parts, which are no options of a policy. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'ENABLED',
    choices: ENABLED,
    description: 'False: nothing is patched, whatever file and code say.',
  },
  {
    name: 'MODE',
    choices: MODES,
    description: '`observe` decides and records what it would have done, and changes nothing.',
  },
  { name: 'CONFIG_FILE', takes: 'none; the path of a YAML or JSON file', description: 'The configuration file.' },
  { name: 'SDK', choices: SDK, description: 'Whether to start an OpenTelemetry SDK; `auto`: if the app has none.' },
  {
    name: 'EVENT_SIGNAL',
    choices: EVENT_SIGNALS,
    description: 'Where events go: log records, span events, or both (`logs/dup`).',
  },
  {
    name: 'LOG',
    choices: LOGS,
    description:
      '`json`: events as JSON lines on stderr; `auto`: one line when a circuit opens and neither an SDK nor the status page shows it.',
  },
  {
    name: 'STATUS',
    takes: 'off; an address such as `127.0.0.1:9990`',
    description: 'Where to serve the status page.',
  },
  {
    name: 'STATUS_TOKEN',
    takes: 'none; a text',
    description: 'What the status page asks for before it probes, forces or resets a circuit.',
  },
];

export const SETTING_NAMES: readonly string[] = SETTINGS.map(({ name }) => PREFIX + name);

/** What applies where nothing is said, and where it is wrong. */
interface Otherwise<T> {
  readonly unset: T;
  readonly wrong: T;
  readonly effect: Effect;
}

export function readSettings(env: Environment, problems: Problems): Settings {
  const choose = <T extends string, U>(name: string, choices: readonly T[], otherwise: Otherwise<T | U>): T | U => {
    const given = variable(env, PREFIX + name);
    if (given === undefined) return otherwise.unset;
    const choice = choices.find((candidate) => candidate === given.toLowerCase());
    if (choice !== undefined) return choice;
    const message = `expected ${choices.join(' or ')}, got ${show(given)}${didYouMean(given, choices)}`;
    problems.add({ path: PREFIX + name, message, source: 'environment' }, otherwise.effect);
    return otherwise.wrong;
  };
  const standard = <T>(value: T): Otherwise<T> => ({
    unset: value,
    wrong: value,
    effect: { kind: 'instead', words: `using ${value}` },
  });
  // The specification reads a boolean that is neither true nor false as false, and wants it to be told.
  const off: Effect = { kind: 'instead', words: 'it is read as false: nothing is protected' };
  return {
    enabled: choose('ENABLED', ENABLED, { unset: 'true', wrong: 'false', effect: off }) === 'true',
    // Whoever mistypes a mode may have meant the harmless one.
    mode: choose('MODE', MODES, { unset: undefined, wrong: 'observe', effect: { kind: 'mode' } }),
    sdk: choose('SDK', SDK, standard('auto')),
    eventSignal: choose('EVENT_SIGNAL', EVENT_SIGNALS, standard('logs/dup')),
    log: choose('LOG', LOGS, standard('auto')),
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
