import assert from 'node:assert/strict';
import type { ResilienceConfig } from '../../src/config/config-types.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load-config.ts';
import type { Problem } from '../../src/config/problem.ts';
import type { Origin, Policy } from '../../src/strategies/shared/policy.ts';

/** Loads `text` as the file, with further environment variables. */
export function loadFile(text: string, env: Record<string, string> = {}, code?: ResilienceConfig): LoadedConfig {
  const readFile = (): string => text;
  return loadConfig({ env: { OTEL_RESILIENCE_CONFIG_FILE: 'resilience.yaml', ...env }, code, readFile });
}

/** Environment variables without their prefix. */
export function loadEnv(variables: Record<string, string>, code?: ResilienceConfig): LoadedConfig {
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`OTEL_RESILIENCE_${name}`, value]));
  return loadConfig({ env, code });
}

/** Whatever a caller without types may pass. */
export function loadCode(code: unknown): LoadedConfig {
  return loadConfig({ env: {}, code: code as ResilienceConfig });
}

/** What is wrong, without where it stands and what follows from it. */
export function basicsOf({ problems }: LoadedConfig): Pick<Problem, 'path' | 'message' | 'source'>[] {
  return problems.map(({ path, message, source }) => ({ path, message, source }));
}

export function policyOf(config: LoadedConfig, name = 'default'): Policy {
  assert.deepEqual(config.problems, []);
  const policy = config.policies.get(name);
  assert.ok(policy, `no policy ${name}`);
  return policy;
}

export function originOf(url: string): Origin {
  if (url.startsWith('unix:')) return { protocol: 'http:', host: url.slice(5), port: 0, name: url };
  const { protocol, hostname, port, origin } = new URL(url);
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  return { protocol, host: hostname.replace(/^\[|\]$/g, ''), port: number, name: origin };
}
