import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Node's module for what `--require` names. */
const PRELOAD = 'internal/preload';

/** Whether `--require` brought the module, itself or by way of others. */
export function isRequiredPreload(module: NodeJS.Module): boolean {
  for (let current: NodeJS.Module | null | undefined = module; current; current = current.parent) {
    if (current.id === PRELOAD) return true;
  }
  return false;
}

/** Whether `file` is what the last `--import` names: then no other preload comes after it. */
export function isLastImport(file: string, execArgv: readonly string[], nodeOptions: string): boolean {
  // NODE_OPTIONS come before the command line.
  const last = importsOf([...nodeOptions.split(/\s+/), ...execArgv]).at(-1);
  if (last === undefined) return false;
  try {
    if (last.startsWith('file:')) return fileURLToPath(last) === file;
    return createRequire(path.join(process.cwd(), 'preload.js')).resolve(last) === file;
  } catch {
    return false;
  }
}

function importsOf(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    if (arg.startsWith('--import=')) return [arg.slice('--import='.length)];
    const value = args[index + 1];
    return arg === '--import' && value !== undefined ? [value] : [];
  });
}
