import { realpathSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import type { Undo } from '../interception/patch.ts';

interface ResolveHooks {
  resolve(specifier: string, context: { parentURL?: string }, next: NextResolve): { url: string };
}
type NextResolve = (specifier: string, context: object) => { url: string };

/** Of Node 24, and unknown to the type definitions of 20. */
interface ModuleWithHooks {
  registerHooks(hooks: ResolveHooks): { deregister(): void };
}
interface ModuleWithMain {
  runMain(this: unknown, ...args: unknown[]): unknown;
}

/** Where synchronous hooks get on with asynchronous loaders; on Node 22 the two together crash the process. */
const FIRST_WITH_HOOKS = 24;

/**
 * Runs `callback` once: after all preloads, before the first line of the app. It cannot where there is no main module
 * (`-e`, the REPL), nor on Node 20 and 22 when we were loaded by `--import`, when it is too late: whoever calls this
 * must get on without.
 */
export function onEntryPoint(callback: () => void): Undo {
  // A worker learns the name of its main module only after the preloads.
  if (process.argv[1] === undefined && isMainThread) return () => {};
  const major = Number(process.versions.node.split('.')[0]);
  return major >= FIRST_WITH_HOOKS ? onResolved(callback) : onRunMain(callback);
}

/** The main module as it may turn up: without symbolic links or, under `--preserve-symlinks-main`, with. */
function mainPaths(main: string): ReadonlySet<string> {
  const given = path.resolve(main);
  try {
    // `node app` and `node .` name no file as such; this is how Node finds it.
    const found = createRequire(path.join(process.cwd(), 'main.js')).resolve(given);
    return new Set([found, realpathSync(found)]);
  } catch {
    return new Set([given]);
  }
}

function onResolved(callback: () => void): Undo {
  let pending = true;
  let main: ReadonlySet<string> | undefined;
  const hooks = (Module as unknown as ModuleWithHooks).registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      // Preloads by `--require` have no parent either.
      if (!pending || context.parentURL !== undefined || process.argv[1] === undefined) return resolved;
      if (main === undefined) {
        // Looking for it comes by here again.
        main = new Set();
        main = mainPaths(process.argv[1]);
      }
      if (isOneOf(main, resolved.url)) {
        undo();
        callback();
      }
      return resolved;
    },
  });
  const undo = (): void => {
    if (pending) hooks.deregister();
    pending = false;
  };
  return undo;
}

function isOneOf(files: ReadonlySet<string>, url: string): boolean {
  return url.startsWith('file:') && files.has(fileURLToPath(url));
}

/** `Module.runMain` is called by Node itself to run the main module, so that preloads can replace it. */
function onRunMain(callback: () => void): Undo {
  const holder = Module as unknown as ModuleWithMain;
  const original = holder.runMain;
  let pending = true;
  const replacement = function runMain(this: unknown, ...args: unknown[]): unknown {
    undo();
    if (pending) {
      pending = false;
      callback();
    }
    return Reflect.apply(original, this, args);
  };
  const undo = (): void => {
    if (holder.runMain === replacement) holder.runMain = original;
  };
  holder.runMain = replacement;
  return () => {
    pending = false;
    undo();
  };
}
