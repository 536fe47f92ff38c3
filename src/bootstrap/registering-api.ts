import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const API = '@opentelemetry/api';
const MAX_FRAMES = 4;

/**
 * The version of the copy of the API that is calling: registrations of a version other than the registry's are refused.
 * Read from the package of the file that calls, as the copy tells it to nobody. Undefined where that cannot be found, as
 * in a bundle.
 */
export function registeringApiVersion(): string | undefined {
  for (const file of callingFiles()) {
    const version = apiVersionOf(file);
    if (version !== undefined) return version;
  }
  return undefined;
}

function callingFiles(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = MAX_FRAMES + 1;
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName());
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, registeringApiVersion);
    const files = Array.isArray(holder.stack) ? (holder.stack as unknown[]) : [];
    return files.filter((file): file is string => typeof file === 'string' && file !== __filename);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function apiVersionOf(file: string): string | undefined {
  let folder = path.dirname(file.startsWith('file:') ? fileURLToPath(file) : file);
  // Some builds have a package.json of their own in between, which names no package.
  for (let up = path.dirname(folder); up !== folder; folder = up, up = path.dirname(folder)) {
    const { name, version } = readPackage(folder);
    if (name === API) return version;
    if (name !== undefined) return undefined;
  }
  return undefined;
}

function readPackage(folder: string): { readonly name?: string; readonly version?: string } {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
  } catch {
    return {};
  }
}
