import { DEFAULT_POLICY, type Origin, type Policy, type Rules } from '../strategies/shared/policy.ts';
import type { ResilienceConfig } from './config-types.ts';
import type { EffectiveOption } from './effective-options.ts';
import { type ReadFile, readConfigText } from './file.ts';
import { messageOf, type Problem, Problems } from './problem.ts';
import type { PolicyRule } from './rule-set.ts';
import { createRules, DEFAULT_MAX_UPSTREAMS, noRules } from './rules.ts';
import { type Environment, optionVariables, readSettings, type Settings, variable } from './settings.ts';

export interface ConfigInputs {
  readonly env: Environment;
  readonly code?: ResilienceConfig | undefined;
  /** For tests. Given an absolute path. */
  readonly readFile?: ReadFile | undefined;
}

/** What the sources (defaults < file < environment < code) say together. */
export interface LoadedConfig {
  /** False: patch nothing. */
  readonly enabled: boolean;
  readonly rules: Rules;
  /** Those that can be used, by name. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly problems: readonly Problem[];
  /** The configuration file that the environment names, whether or not it can be read. */
  readonly file: string | undefined;
  readonly settings: Omit<Settings, 'enabled' | 'mode'> & {
    /** In lower case. */
    readonly requestIdHeader: string | undefined;
  };
  /** The options in force under a policy, and where each comes from. Worked out when asked for. */
  explain(policy: string): readonly EffectiveOption[];
  /** The rule that decides about a call; undefined: none matches, and the default policy applies. */
  ruleFor(origin: Origin, method: string, path: string): MatchedRule | undefined;
}

/** A rule as it was written. */
export type MatchedRule = Pick<PolicyRule, 'path' | 'source' | 'url' | 'methods' | 'policy' | 'name'>;

/** What only the schema can tell, as opposed to `Settings`. */
export type LoadedDocuments = Pick<LoadedConfig, 'rules' | 'policies' | 'explain' | 'ruleFor'> & {
  readonly requestIdHeader: string | undefined;
};

/**
 * Reads the configuration. Never throws: a policy in error is off, its calls pass as without us, and what is wrong is
 * in `problems`. Where it cannot even be told which calls were meant to get what (a file that does not parse), the
 * default policy is off too: the operator may have configured just that away.
 *
 * Without a file, options in the environment and in code, nothing is loaded that reading them would take.
 */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const problems = new Problems();
  try {
    return load(inputs, problems);
  } catch (error) {
    const message = `cannot be read: ${messageOf(error)}`;
    problems.add(
      { path: 'configuration', message, source: 'code' },
      { kind: 'instead', words: 'nothing is protected' },
    );
    return assemble(readSettings({}, problems), inertDocuments(), problems);
  }
}

function load({ env, code, readFile = readConfigText }: ConfigInputs, problems: Problems): LoadedConfig {
  const settings = readSettings(env, problems);
  // Any source can switch us off, and none can switch us on again: the environment is the way out in an emergency.
  const enabled = settings.enabled && code?.enabled !== false;
  if (!enabled) return assemble({ ...settings, enabled }, inertDocuments(), problems);
  const file = configFileOf(env);
  const simple = !saysAnything(code) && file === undefined && optionVariables(env).length === 0;
  if (simple) return assemble(settings, builtInDocuments(settings), problems);
  const { loadDocuments } = require('./load-documents.js') as typeof import('./load-documents.ts');
  return assemble(settings, loadDocuments({ env, code, readFile }, settings, problems), problems, file);
}

function saysAnything(code: ResilienceConfig | undefined): boolean {
  if (code === undefined || code === null) return false;
  return typeof code !== 'object' || Array.isArray(code) || Object.keys(code).some((key) => key !== 'enabled');
}

function configFileOf(env: Environment): string | undefined {
  return variable(env, 'OTEL_RESILIENCE_CONFIG_FILE') ?? variable(env, 'OTEL_CONFIG_FILE');
}

function assemble(settings: Settings, documents: LoadedDocuments, problems: Problems, file?: string): LoadedConfig {
  const { enabled, sdk, eventSignal, log } = settings;
  const { requestIdHeader, ...loaded } = documents;
  return {
    enabled,
    ...loaded,
    file,
    problems: problems.conclude({ mode: loaded.rules.mode, policies: loaded.policies }),
    settings: { sdk, eventSignal, log, requestIdHeader },
  };
}

function builtInDocuments(settings: Settings): LoadedDocuments {
  return {
    rules: createRules({
      mode: settings.mode ?? 'enforce',
      maxUpstreams: DEFAULT_MAX_UPSTREAMS,
      rules: [],
      defaultPolicy: DEFAULT_POLICY,
    }),
    policies: new Map([[DEFAULT_POLICY.name, DEFAULT_POLICY]]),
    requestIdHeader: undefined,
    ruleFor: () => undefined,
    explain(policy) {
      const { loadDocuments } = require('./load-documents.js') as typeof import('./load-documents.ts');
      const inputs = { env: {}, code: undefined, readFile: readConfigText };
      return loadDocuments(inputs, settings, new Problems()).explain(policy);
    },
  };
}

function inertDocuments(): LoadedDocuments {
  return {
    rules: noRules(),
    policies: new Map(),
    requestIdHeader: undefined,
    explain: () => [],
    ruleFor: () => undefined,
  };
}
