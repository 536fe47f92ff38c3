import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TOOLS, type ToolName } from './tools.ts';

const ROOT = path.resolve(__dirname, '../../..');
const PACKAGE = 'opentelemetry-instrumentation-resilience';
const run = promisify(execFile);

interface Manifest {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

function cacheFolder(): string {
  const { RESILIENCE_CI_CACHE, XDG_CACHE_HOME } = process.env;
  return RESILIENCE_CI_CACHE ?? path.join(XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), PACKAGE);
}

/**
 * A folder in which the tool is installed with what this package needs, kept for the next time, and this package as it was
 * built last. The apps of this suite are in it.
 */
export async function installedTool(name: ToolName): Promise<string> {
  const folder = path.join(cacheFolder(), `compat-${name}`);
  const { peerDependencies } = manifest(ROOT);
  const packages = [...TOOLS[name].packages, `@opentelemetry/api@${peerDependencies['@opentelemetry/api']}`];
  const complete = path.join(folder, 'complete');
  const wanted = packages.join('\n');
  if (!existsSync(complete) || readFileSync(complete, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "private": true }');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
    await run('npm', ['install', ...options, ...packages], { cwd: folder });
    writeFileSync(complete, wanted);
  }
  const home = path.join(folder, 'node_modules', PACKAGE);
  rmSync(home, { recursive: true, force: true });
  cpSync(path.join(ROOT, 'dist'), path.join(home, 'dist'), { recursive: true });
  cpSync(path.join(ROOT, 'package.json'), path.join(home, 'package.json'));
  cpSync(path.join(ROOT, 'test/compat/fixtures'), folder, { recursive: true });
  return folder;
}

/** The version that npm chose. */
export function installedVersion(folder: string, dependency: string): string {
  return manifest(path.join(folder, 'node_modules', dependency)).version;
}
