import { spawn } from 'node:child_process';
import path from 'node:path';
import { finish } from '../telemetry/child.ts';
import { cleanEnv, FIXTURES, REGISTER } from './app-under-test.ts';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What Node is given before the app; ours by `--require` unless told. */
  readonly preloads?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
}

export const OURS: readonly string[] = ['--require', REGISTER];

/** Runs an app to its end. `file`: absolute, or the name of a fixture. */
export async function runApp(file: string, { preloads = OURS, args = [], env = {} }: RunOptions = {}): Promise<Ended> {
  const app = spawn(process.execPath, [...preloads, path.resolve(FIXTURES, file), ...args], {
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    // One that does not end by itself is seen as killed.
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  return finish(app);
}
