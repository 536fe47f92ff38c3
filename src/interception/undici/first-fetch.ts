/** Globals that Node loads its own copy of undici for, when they are first looked at. */
const LAZY_GLOBALS = ['Headers', 'Request', 'Response', 'FormData'];

/**
 * Calls `beforeFirst` just before the app's first call of the global `fetch`, with Node's own copy of undici loaded: by
 * the app's doing, not by ours, since the first copy to load becomes the global dispatcher of the others. Afterwards
 * `fetch` is what it was.
 */
export function onFirstFetch(beforeFirst: () => void): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  const original: unknown = descriptor?.value;
  if (descriptor?.configurable !== true || typeof original !== 'function') return () => {};
  let pending = true;

  function restore(): void {
    pending = false;
    if (descriptor === undefined || Object.getOwnPropertyDescriptor(globalThis, 'fetch')?.value !== wrapper) return;
    Object.defineProperty(globalThis, 'fetch', descriptor);
  }

  // A plain function, as the original; whoever kept it goes straight through after the first call.
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    if (pending) {
      restore();
      for (const name of LAZY_GLOBALS) Reflect.get(globalThis, name);
      beforeFirst();
    }
    return Reflect.apply(original, this, args);
  };
  Object.defineProperty(wrapper, 'name', { value: original.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: original.length, configurable: true });
  Object.defineProperty(globalThis, 'fetch', { ...descriptor, value: wrapper });
  return restore;
}
