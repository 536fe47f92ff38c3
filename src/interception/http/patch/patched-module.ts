import type http from 'node:http';
import type { ClientRequest } from 'node:http';
import { replaceProperty, resemble, type Undo, UndoStack } from '../../patch.ts';
import type { Protocol } from '../call/call-target.ts';
import { markOriginal, wraps } from './wrapper-chain.ts';

type RequestFunction = (...args: unknown[]) => ClientRequest;

/** How shimmer, which OpenTelemetry and other tracers use, marks the wrappers it puts on. */
interface Wrapper extends RequestFunction {
  readonly __wrapped?: boolean;
  readonly __original?: Wrapper;
}

/** The functions of `node:http` and `node:https` that are replaced. */
export type HttpModule = Pick<typeof http, 'request' | 'get' | 'globalAgent'>;

/** Counts the attempts being made right now, synchronously, by either module. */
export interface Depth {
  making: number;
}

/** Takes a call of the app; makes its attempts by `module.inner`, through `layers` wrappers (all, unless told). */
export type CallHandler = (module: PatchedModule, args: unknown[], layers: number) => ClientRequest;

/**
 * `request` and `get` of one module, kept outermost. A wrapper that a tracer puts over ours is moved below it: `layers`,
 * bottom first, then `base`, which is what was there before us. Each layer calls what it took for the original, which
 * is our own function; `#level` then says whose original is meant.
 */
export class PatchedModule {
  readonly protocol: Protocol;
  readonly module: HttpModule;
  readonly #handle: CallHandler;
  readonly #depth: Depth;
  readonly #request: RequestFunction;
  readonly #get: RequestFunction;
  readonly #baseGet: RequestFunction;
  readonly #layers: Wrapper[] = [];
  #base: Wrapper;
  #level = -1;
  #active = true;

  constructor(protocol: Protocol, module: HttpModule, depth: Depth, handle: CallHandler) {
    this.protocol = protocol;
    this.module = module;
    this.#depth = depth;
    this.#handle = handle;
    this.#base = module.request as RequestFunction;
    this.#baseGet = module.get as RequestFunction;
    const take = (args: unknown[]): ClientRequest => this.#take(args);
    // Function expressions, as the originals are: they have a `prototype`, and a name of their own in stack traces.
    this.#request = resemble(function request(...args: unknown[]): ClientRequest {
      return take(args);
    }, this.#base);
    this.#get = resemble(function get(...args: unknown[]): ClientRequest {
      const request = take(args);
      request.end();
      return request;
    }, this.#baseGet);
    markOriginal(this.#request);
    markOriginal(this.#get);
    // A tracer that is switched off asks what it finds here to unwrap itself. Alone, without the other two marks, this
    // does not make us look like a wrapper of theirs, which the next tracer would remove.
    Object.defineProperty(this.#request, '__unwrap', { value: () => this.#dropLayer(), configurable: true });
    Object.defineProperty(this.#get, '__unwrap', { value: () => {}, configurable: true });
  }

  install(): Undo {
    const undos = new UndoStack();
    undos.add(replaceProperty(this.module, 'request', this.#request));
    undos.add(replaceProperty(this.module, 'get', this.#get));
    undos.add(() => {
      this.#active = false;
    });
    return () => undos.undo();
  }

  /** Puts our functions back on top of tracers' wrappers; what else was put there (a mock) stays. True: it changed. */
  reassert(): boolean {
    if (!this.#active) return false;
    const requestChanged = this.#reassertRequest();
    return this.#reassertGet() || requestChanged;
  }

  /** The bindings an ESM loader hook made of this module, after a tracer has been at them. */
  reassertNamespace(namespace: Record<string, unknown>): void {
    for (const [name, ours] of [['request', this.#request] as const, ['get', this.#get] as const]) {
      const current = namespace[name] as Wrapper | undefined;
      if (current === ours || current === undefined) continue;
      if (current.__wrapped === true || wraps(current, ours)) namespace[name] = ours;
    }
  }

  /** Makes an attempt through what sits below us: tracers, then Node. */
  inner(args: readonly unknown[], layers = this.#layers.length): ClientRequest {
    const before = this.#level;
    this.#level = layers - 1;
    this.#depth.making++;
    try {
      const below = layers === 0 ? this.#base : (this.#layers[layers - 1] ?? this.#base);
      return Reflect.apply(below, this.module, args);
    } finally {
      this.#depth.making--;
      this.#level = before;
    }
  }

  get globalAgent(): HttpModule['globalAgent'] {
    return this.module.globalAgent;
  }

  get layers(): number {
    return this.#layers.length;
  }

  #take(args: unknown[]): ClientRequest {
    if (this.#level >= 0) return this.#below(args);
    const { length } = this.#layers;
    if (this.module.request !== this.#request) this.reassert();
    // A call from inside the making of another (a proxy agent's, a tracer's) is part of that one.
    if (!this.#active || this.#depth.making > 0) return this.inner(args, length);
    // If a wrapper has just been moved below us, it is the caller of this very call: it must not be run twice.
    return this.#handle(this, args, length);
  }

  /** Called by a layer that takes us for its original. */
  #below(args: unknown[]): ClientRequest {
    const at = this.#level;
    this.#level = at - 1;
    const below = at === 0 ? this.#base : (this.#layers[at - 1] ?? this.#base);
    return Reflect.apply(below, this.module, args);
  }

  #reassertRequest(): boolean {
    const current = this.module.request as Wrapper;
    if (current === this.#request) return false;
    if (current !== this.#base) {
      if (!wraps(current, this.#request)) return false;
      this.#layers.push(current);
    }
    replaceProperty(this.module, 'request', this.#request);
    return true;
  }

  #reassertGet(): boolean {
    const current = this.module.get as Wrapper;
    if (current === this.#get) return false;
    // Nothing to keep: our `get` goes through `request`, and so through the same tracer's wrapper of that.
    if (current !== this.#baseGet && !wraps(current, this.#get)) return false;
    replaceProperty(this.module, 'get', this.#get);
    return true;
  }

  #dropLayer(): void {
    if (this.#layers.pop() === undefined && typeof this.#base.__original === 'function')
      this.#base = this.#base.__original;
  }
}
