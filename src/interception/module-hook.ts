import Module from 'node:module';
import { resemble, type Undo } from './patch.ts';

/** Hears of every `require` that has returned, nested ones included. Must be quick. */
export type RequireListener = (id: string, exports: unknown) => void;

type Require = (this: unknown, id: string) => unknown;

/** A layer that is at work: it takes us for the original and will call us with what it was called with. */
interface Running {
  readonly module: unknown;
  readonly id: string;
  readonly level: number;
}

const listeners = new Set<RequireListener>();
/** What was assigned to `Module.prototype.require` while we were there, in that order. */
const layers: Require[] = [];
let native: Require | undefined;
let running: Running | undefined;

/**
 * Has `listener` told of every `require`. As long as there is one, `Module.prototype.require` is an accessor: patches
 * that others assign to it, now or later, run below it. So they have patched a module before we look at it, whatever the
 * order of loading, and we never have to patch `require` again to stay outside.
 */
export function onRequire(listener: RequireListener): Undo {
  if (listeners.size === 0) install();
  listeners.add(listener);
  return () => {
    if (listeners.delete(listener) && listeners.size === 0) uninstall();
  };
}

function install(): void {
  const descriptor = Object.getOwnPropertyDescriptor(Module.prototype, 'require');
  native ??= descriptor?.value as Require;
  Object.defineProperty(Module.prototype, 'require', {
    configurable: true,
    enumerable: descriptor?.enumerable ?? true,
    get: () => outermost,
    set: (patched: Require) => {
      if (patched !== outermost) layers.push(patched);
    },
  });
  resemble(outermost, native);
}

/** Leaves a plain property behind, with what others have made of it meanwhile. */
function uninstall(): void {
  // A layer still takes `outermost` for its original: it goes on to work, and lets everything through.
  const value = layers.length === 0 ? native : outermost;
  Object.defineProperty(Module.prototype, 'require', { configurable: true, enumerable: true, writable: true, value });
  if (layers.length === 0) native = undefined;
}

function outermost(this: unknown, id: string): unknown {
  // Not every call from inside a layer is the one to its original: it may need a module for itself.
  const asOriginal = running !== undefined && running.module === this && running.id === id;
  const level = asOriginal && running !== undefined ? running.level : layers.length;
  const exports = load(this, id, level);
  if (!asOriginal) for (const listener of listeners) listener(id, exports);
  return exports;
}

function load(module: unknown, id: string, level: number): unknown {
  const before = running;
  const layer = level === 0 ? undefined : layers[level - 1];
  running = layer === undefined ? undefined : { module, id, level: level - 1 };
  try {
    return Reflect.apply(layer ?? (native as Require), module, [id]);
  } finally {
    running = before;
  }
}
