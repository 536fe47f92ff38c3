import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of this process without what would make an SDK start or a runner meddle. */
export function cleanEnv(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(kept), OTEL_RESILIENCE_LOG: 'off', ...extra };
}

export function startFixture(name: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const file = require.resolve(`./fixtures/${name}.js`);
  return spawn(process.execPath, [file, ...args], { env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function runFixture(
  name: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<ChildResult> {
  return finish(startFixture(name, args, env));
}

export async function finish(child: ChildProcess): Promise<ChildResult> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output };
}
