import { replaceProperty, resemble } from '../patch.ts';

/** Globals that Node loads its own copy of undici for, when they are first looked at. */
const LAZY_GLOBALS = ['Headers', 'Request', 'Response', 'FormData'];
const BUNDLED = 'NativeModule internal/deps/undici/undici';

/**
 * Calls `beforeFirst` just before the app's first call of the global `fetch`, with Node's own copy of undici loaded: by
 * the app's doing, not by ours, since the first copy to load becomes the global dispatcher of the others. The function
 * that stands for `fetch` stays: one that changed at its first call would be another than the app has kept.
 */
export function onFirstFetch(beforeFirst: () => void): () => void {
  const original: unknown = Object.getOwnPropertyDescriptor(globalThis, 'fetch')?.value;
  if (typeof original !== 'function' || isLoaded()) return () => {};
  let first = true;

  // A plain function, as the original; `arguments`, as fetch() is not fetch(undefined).
  function fetch(this: unknown): unknown {
    if (first) {
      first = false;
      for (const name of LAZY_GLOBALS) Reflect.get(globalThis, name);
      beforeFirst();
    }
    // biome-ignore lint/complexity/noArguments: the cheapest way to pass on exactly what was given
    return Reflect.apply(original as () => unknown, this, arguments);
  }
  return replaceProperty(globalThis, 'fetch', resemble(fetch, original));
}

/** Node tells which of its own modules it has loaded. With undici among them, its global dispatcher leads to it. */
function isLoaded(): boolean {
  const loaded: unknown = Reflect.get(process, 'moduleLoadList');
  return Array.isArray(loaded) && loaded.includes(BUNDLED);
}
