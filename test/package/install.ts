import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(__dirname, '../../..');
const run = promisify(execFile);

export const PACKAGE = 'opentelemetry-instrumentation-resilience';
export const NODE = Number(process.versions.node.split('.')[0]);

/** The lines of OpenTelemetry's SDK that are supported, by the oldest Node that takes them. */
export const SDK_LINES: Record<string, { readonly node: number; readonly packages: readonly string[] }> = {
  '2.x with api 1.9': {
    node: 20,
    packages: ['api@~1.9.0', 'sdk-node@^0.223.0', 'instrumentation-http@^0.223.0', 'instrumentation-undici@^0.33.0'],
  },
  '3.x with api 1.10': {
    node: 22,
    packages: ['api@~1.10.0', 'sdk-node@^0.301.0', 'instrumentation-http@^0.301.0', 'instrumentation-undici@^0.34.0'],
  },
};

function cacheFolder(): string {
  const { RESILIENCE_CI_CACHE, XDG_CACHE_HOME } = process.env;
  return RESILIENCE_CI_CACHE ?? path.join(XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), PACKAGE);
}

/** The npm of the Node that runs this. */
async function npm(folder: string, ...args: string[]): Promise<string> {
  return (await run('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd: folder })).stdout;
}

/** What `npm publish` would send, packed into a folder of its own. `files` are those in it, from the package's root. */
export async function pack(): Promise<{ tarball: string; files: ReadonlySet<string>; dispose: () => void }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-pack-'));
  const packed = await npm(ROOT, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder);
  const listed: unknown = JSON.parse(packed);
  const [entry] = Object.values(listed as Record<string, { filename: string; files: readonly { path: string }[] }>);
  if (entry === undefined) throw new Error('npm packed nothing');
  return {
    tarball: path.join(folder, path.basename(entry.filename)),
    files: new Set(entry.files.map((file) => file.path)),
    dispose: () => rmSync(folder, { recursive: true }),
  };
}

/** A folder in which the package is installed beside a line of the SDK, with the apps of the end-to-end tests in it. */
export async function installedApp(line: string, tarball: string): Promise<string> {
  const packages = SDK_LINES[line]?.packages.map((name) => `@opentelemetry/${name}`) ?? [];
  return installedWith(packages, tarball, 'sdk');
}

/**
 * The same beside any packages, all as users install them. Those are kept for the next time; this package is installed
 * anew.
 */
export async function installedWith(packages: readonly string[], tarball: string, kind = 'app'): Promise<string> {
  const folder = path.join(cacheFolder(), `${kind}-${packages.join(' ').replaceAll(/[^\w.-]+/g, '-')}`);
  const complete = path.join(folder, 'complete');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(complete)) {
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "private": true }');
    await npm(folder, 'install', '--ignore-scripts', ...packages);
    writeFileSync(complete, '');
  }
  rmSync(path.join(folder, 'node_modules', PACKAGE), { recursive: true, force: true });
  await npm(folder, 'install', '--ignore-scripts', '--no-save', '--prefer-offline', tarball);
  cpSync(path.join(ROOT, 'test/e2e/fixtures'), folder, { recursive: true });
  return folder;
}

/** A new folder with the package and what npm installs by itself along with it. */
export async function installedAlone(tarball: string): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'resilience-alone-'));
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "private": true }');
  await npm(folder, 'install', '--ignore-scripts', '--prefer-offline', tarball);
  return folder;
}
