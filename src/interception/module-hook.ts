import Module from 'node:module';
import { replaceProperty, resemble, type Undo, UndoStack } from './patch.ts';

/**
 * Hears of every module that was loaded and, while somebody has patched `require`, of every `require` that has returned.
 * `id` is what was required, or the path of the file without what leads to its package. Must be quick.
 */
export type RequireListener = (id: string, exports: unknown) => void;

type Require = (this: unknown, id: string) => unknown;

/** What somebody assigned to `Module.prototype.require` while we were there. */
interface Layer {
  readonly patched: Require;
  /** What is read from `Module.prototype.require` while the layer is the topmost one; runs it. */
  readonly entry: Require;
}

interface ModuleMethods {
  require: Require;
  load(this: { exports: unknown }, filename: string): void;
}

const prototype = Module.prototype as unknown as ModuleMethods;
const listeners = new Set<RequireListener>();
/** In the order of their assignment: each calls the one before, the first one what was there before us. */
const layers: Layer[] = [];
/** What was there when we came: Node's own function, unless somebody had patched it already. */
let native: Require = prototype.require;
let undos: UndoStack | undefined;

/**
 * Has `listener` told of modules. As long as there is one, `Module.prototype.require` is an accessor: patches that others
 * assign to it, now or later, run below what it gives. So they have patched a module before we look at it, whatever the
 * order of loading, and we never have to patch `require` again to stay outside.
 *
 * Without such patches it gives Node's own function, and we hear of modules when they are loaded. A frame of ours between
 * a caller and a builtin would make Node take the caller's file for none in `node_modules`: it looks at the nearest
 * frames only, and warns of deprecations for which it would else have made no fuss.
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
  if (descriptor?.value !== readRequire() || undos === undefined) found(descriptor?.value as Require);
  Object.defineProperty(Module.prototype, 'require', {
    configurable: true,
    enumerable: descriptor?.enumerable ?? true,
    get: readRequire,
    set: assignRequire,
  });
  undos = new UndoStack();
  undos.add(replaceProperty(Module.prototype, 'load', loadHook(prototype.load)));
}

function found(value: Require): void {
  native = value;
  layers.length = 0;
  // A patch that was here first is a layer like those to come.
  if (!isNodes(value)) layers.push(layerOf(value));
}

/** By its source. Whatever is not recognised is taken for a patch, which costs a frame and misses nothing. */
function isNodes(value: Require): boolean {
  return /requireDepth\b/.test(Function.prototype.toString.call(value));
}

/** Leaves plain properties behind, with what others have made of them meanwhile. */
function uninstall(): void {
  undos?.undo();
  // Defined anew by somebody, not assigned: theirs to keep.
  if (Object.getOwnPropertyDescriptor(Module.prototype, 'require')?.get !== readRequire) return;
  const value = layers.length === 1 && layers[0]?.patched === native ? native : readRequire();
  Object.defineProperty(Module.prototype, 'require', { configurable: true, enumerable: true, writable: true, value });
}

function readRequire(): Require {
  return layers.at(-1)?.entry ?? native;
}

/**
 * A prototype's setter also hears of assignments to what inherits from it. A module that is given a `require` of its own
 * (by proxyquire, a mock) must get just that, as if the prototype had a plain property, and no other module with it.
 */
function assignRequire(this: unknown, value: unknown): void {
  if (this === Module.prototype) putOnTop(value as Require);
  else if (typeof this === 'object' && this !== null) {
    Reflect.defineProperty(this, 'require', { configurable: true, enumerable: true, writable: true, value });
  }
}

/** Assigning what was read before takes back everything since, as it would with a plain property. */
function putOnTop(patched: Require): void {
  const known = layers.findIndex((layer) => layer.entry === patched || layer.patched === patched);
  if (known >= 0) layers.length = known + 1;
  else if (isNodes(patched)) found(patched);
  else layers.push(layerOf(patched));
}

function layerOf(patched: Require): Layer {
  const entry = function require(this: unknown, ...args: [string]): unknown {
    const exports = Reflect.apply(patched, this, args);
    // Further down it is some layer's original, and that layer has not had its turn.
    if (layers.at(-1) === layer) tell(args[0], exports);
    return exports;
  };
  const layer: Layer = { patched, entry: resemble(entry, native) };
  return layer;
}

function loadHook(original: ModuleMethods['load']): ModuleMethods['load'] {
  const hook: ModuleMethods['load'] = function load(this, filename) {
    const result = Reflect.apply(original, this, [filename]);
    if (layers.length === 0) tell(nameOf(filename), this.exports);
    return result;
  };
  return resemble(hook, original);
}

/** The part of a path that tells what a file is, as against where it is. */
function nameOf(filename: string): string {
  const parts = filename.split(/[\\/]/);
  const folder = parts.lastIndexOf('node_modules');
  return parts.slice(folder < 0 ? -2 : folder + 1).join('/');
}

function tell(id: string, exports: unknown): void {
  for (const listener of listeners) listener(id, exports);
}
