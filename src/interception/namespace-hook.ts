import { resemble } from './patch.ts';

/** Told when a hook of `import-in-the-middle` has been at the bindings of a module. */
export type NamespaceListener = (name: string, namespace: Record<string, unknown>) => void;

type HookCallback = (namespace: Record<string, unknown>, name: string, baseDir?: string) => unknown;
type HookConstructor = new (...args: unknown[]) => object;

const wrapped = new WeakSet<object>();

/** As it is required, or as its main file is called. */
const PACKAGE = /^import-in-the-middle(?:\/index\.js)?$/;

/**
 * ESM loader hooks give `import { request } from 'node:http'` a binding of its own, which a tracer sets to its wrapper of
 * ours; we would then be called inside the tracer's span. Of any copy of `import-in-the-middle` that is loaded, the
 * `Hook` class is replaced by one that tells `listener` after each callback, so that the binding can be put right.
 */
export function watchNamespaces(id: string, exports: unknown, listener: NamespaceListener): void {
  if (!PACKAGE.test(id) || exports === null || exports === undefined) return;
  const holder = exports as { Hook?: HookConstructor };
  const { Hook } = holder;
  if (typeof Hook !== 'function' || wrapped.has(Hook)) return;
  const Watched = resemble(function Hook_(...args: unknown[]): object {
    return Reflect.construct(
      Hook,
      args.map((arg) => watched(arg, listener)),
      new.target ?? Hook,
    ) as object;
  }, Hook);
  Object.defineProperty(Watched, 'prototype', { value: Hook.prototype });
  wrapped.add(Watched);
  holder.Hook = Watched as unknown as HookConstructor;
}

function watched(arg: unknown, listener: NamespaceListener): unknown {
  if (typeof arg !== 'function') return arg;
  const callback = arg as HookCallback;
  return (namespace: Record<string, unknown>, name: string, baseDir?: string): unknown => {
    const result = callback(namespace, name, baseDir);
    listener(name, namespace);
    return result;
  };
}
