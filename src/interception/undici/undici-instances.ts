import { type AgentClass, UndiciInstance } from './undici-instance.ts';
import type { DispatchFunction } from './undici-types.ts';

const GLOBAL_SLOTS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) => Symbol.for(name));

/** Everything under a name like these is looked at when it is required: it may be a copy of undici, or a part of one. */
const TELLING_NAME = /undici|dispatcher-base|(?:^|\/)agent(?:\.js)?$/;
const BASE_FILE = /[\\/]dispatcher-base\.js$/;

/** The copies of undici in this process; patches each as soon as it is found. */
export class UndiciInstances {
  readonly #byPrototype = new Map<object, UndiciInstance>();
  /** Prototypes known to be none: asked once. */
  readonly #others = new WeakSet<object>();
  readonly #makeDispatch: (instance: UndiciInstance) => DispatchFunction;

  constructor(makeDispatch: (instance: UndiciInstance) => DispatchFunction) {
    this.#makeDispatch = makeDispatch;
  }

  /** What `require` returned. The base class is required before the first dispatcher of its copy can exist. */
  required(id: string, exports: unknown): void {
    if (!TELLING_NAME.test(id)) return;
    if (typeof exports === 'function') this.#learnClass(exports);
    else if (typeof exports === 'object' && exports !== null && id.includes('undici')) this.module(exports);
    this.lookAtGlobalSlots();
  }

  /** The exports of undici, however they were come by. */
  module(exports: object): void {
    for (const name of ['Agent', 'Pool', 'Client']) {
      const value: unknown = Object.hasOwn(exports, name) ? Reflect.get(exports, name) : undefined;
      if (typeof value === 'function') this.#learnClass(value);
    }
  }

  /** Whatever copies the process's global dispatchers are of. */
  lookAtGlobalSlots(): void {
    for (const slot of GLOBAL_SLOTS) {
      const dispatcher: unknown = Reflect.get(globalThis, slot);
      if (typeof dispatcher === 'object' && dispatcher !== null) this.#learnDispatcher(dispatcher, 0);
    }
  }

  /** Copies that were loaded before us. */
  lookAtLoadedModules(cache: Readonly<Record<string, { readonly exports: unknown } | undefined>>): void {
    for (const file of Object.keys(cache)) {
      if (!BASE_FILE.test(file)) continue;
      const exports = cache[file]?.exports;
      if (typeof exports === 'function') this.#learnClass(exports);
    }
    for (const file of Object.keys(cache)) {
      if (/[\\/]agent\.js$/.test(file)) this.required(file.replaceAll('\\', '/'), cache[file]?.exports);
    }
  }

  undo(): void {
    for (const instance of this.#byPrototype.values()) instance.undo();
    this.#byPrototype.clear();
  }

  #learnClass(value: object): void {
    const prototype: unknown = Reflect.get(value, 'prototype');
    if (typeof prototype !== 'object' || prototype === null) return;
    const instance = this.#learnPrototypes(prototype);
    if (instance !== undefined && isAgentClass(value, instance)) instance.agentClass ??= value;
  }

  #learnDispatcher(dispatcher: object, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(dispatcher);
    if (typeof prototype !== 'object' || prototype === null) return;
    const instance = this.#learnPrototypes(prototype);
    if (instance !== undefined) {
      const type: unknown = Reflect.get(prototype, 'constructor');
      if (isAgentClass(type, instance)) instance.agentClass ??= type;
      return;
    }
    if (depth >= 2) return;
    // A dispatcher around another one: a mock agent, or an adapter between versions.
    for (const key of Object.getOwnPropertySymbols(dispatcher)) {
      const inner: unknown = Object.getOwnPropertyDescriptor(dispatcher, key)?.value;
      if (typeof inner === 'object' && inner !== null && 'dispatch' in inner) this.#learnDispatcher(inner, depth + 1);
    }
  }

  #learnPrototypes(start: object): UndiciInstance | undefined {
    let prototype: object | null = start;
    while (prototype !== null && prototype !== Object.prototype) {
      const known = this.#byPrototype.get(prototype) ?? this.#try(prototype);
      if (known !== undefined) return known;
      prototype = Object.getPrototypeOf(prototype) as object | null;
    }
    return undefined;
  }

  #try(prototype: object): UndiciInstance | undefined {
    if (this.#others.has(prototype)) return undefined;
    const instance = UndiciInstance.of(prototype);
    if (instance === undefined) {
      this.#others.add(prototype);
      return undefined;
    }
    this.#byPrototype.set(prototype, instance);
    instance.patch(this.#makeDispatch);
    return instance;
  }
}

/** Directly below the base, and by that name: bundlers that rename classes leave us without one, not with a wrong one. */
function isAgentClass(value: unknown, instance: UndiciInstance): value is AgentClass {
  if (typeof value !== 'function' || value.name !== 'Agent') return false;
  return Object.getPrototypeOf(value.prototype) === instance.prototype;
}
