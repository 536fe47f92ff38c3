/** Takes one change back. */
export type Undo = () => void;

/** Undoes changes in the reverse order of their making. */
export class UndoStack {
  readonly #undos: Undo[] = [];

  add(undo: Undo): void {
    this.#undos.push(undo);
  }

  undo(): void {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) undo();
  }
}

/**
 * Gives `target[name]` a new value under the flags it had (for a new property: like a built-in method, not enumerable).
 * Undone only while it still has that value: what others have put over it since is theirs to keep.
 */
export function replaceProperty(target: object, name: PropertyKey, value: unknown): Undo {
  const before = Object.getOwnPropertyDescriptor(target, name);
  const flags = before ?? { configurable: true, enumerable: false, writable: true };
  Object.defineProperty(target, name, {
    configurable: true,
    writable: true,
    enumerable: flags.enumerable ?? false,
    value,
  });
  return () => {
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== value) return;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}

/** Makes `replacement` look like `original` to whoever asks for its name or its number of parameters. */
export function resemble<F extends object>(replacement: F, original: object): F {
  for (const key of ['name', 'length']) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (descriptor !== undefined) Object.defineProperty(replacement, key, descriptor);
  }
  return replacement;
}
