import type http from 'node:http';
import type { ClientRequest } from 'node:http';
import { replaceProperty, resemble, type Undo } from '../../patch.ts';
import type { Protocol } from '../call/call-target.ts';
import { keepsWhatItFound, markOriginal, wraps } from './wrapper-chain.ts';

type RequestFunction = (...args: unknown[]) => ClientRequest;

/** How shimmer, which OpenTelemetry and other tracers use, marks the wrappers it puts on. */
interface Wrapper extends RequestFunction {
  readonly __wrapped?: boolean;
  readonly __original?: Wrapper;
}

/** The functions of `node:http` and `node:https` that are replaced. */
export type HttpModule = Pick<typeof http, 'request' | 'get' | 'globalAgent'>;

/** What is put in their place, and how many of the wrappers below us calls of them go through. */
interface Ours {
  readonly request: RequestFunction;
  readonly get: RequestFunction;
  readonly reach: { layers: number };
}

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
  readonly #baseRequest: RequestFunction;
  readonly #baseGet: RequestFunction;
  readonly #layers: Wrapper[] = [];
  /** Those of ours that were there before, and that others may have kept. */
  readonly #former = new Set<RequestFunction>();
  #base: Wrapper;
  #ours: Ours;
  #level = -1;
  #active = true;

  constructor(protocol: Protocol, module: HttpModule, depth: Depth, handle: CallHandler) {
    this.protocol = protocol;
    this.module = module;
    this.#depth = depth;
    this.#handle = handle;
    this.#base = module.request as RequestFunction;
    this.#baseRequest = this.#base;
    this.#baseGet = module.get as RequestFunction;
    this.#ours = this.#makeOurs();
  }

  install(): Undo {
    this.#put('request');
    this.#put('get');
    return () => {
      this.#active = false;
      // What others have put over ours since is theirs to keep.
      if (this.module.request === this.#ours.request) replaceProperty(this.module, 'request', this.#baseRequest);
      if (this.module.get === this.#ours.get) replaceProperty(this.module, 'get', this.#baseGet);
    };
  }

  /** Puts our functions back on top of tracers' wrappers; what else was put there (a mock) stays. True: it changed. */
  reassert(): boolean {
    if (!this.#active) return false;
    const requestChanged = this.#reassertRequest();
    return this.#reassertGet() || requestChanged;
  }

  /** The bindings an ESM loader hook made of this module, after a tracer has been at them. */
  reassertNamespace(namespace: Record<string, unknown>): void {
    for (const name of ['request', 'get'] as const) {
      const ours = this.#ours[name];
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

  #makeOurs(): Ours {
    const reach = { layers: Number.POSITIVE_INFINITY };
    const take = (args: unknown[]): ClientRequest => this.#take(args, reach.layers);
    // Function expressions, as the originals are: they have a `prototype`, and a name of their own in stack traces.
    const request = resemble(function request(...args: unknown[]): ClientRequest {
      return take(args);
    }, this.#baseRequest);
    const get = resemble(function get(...args: unknown[]): ClientRequest {
      const made = take(args);
      made.end();
      return made;
    }, this.#baseGet);
    markOriginal(request);
    markOriginal(get);
    // A tracer that is switched off asks what it finds here to unwrap itself. Alone, without the other two marks, this
    // does not make us look like a wrapper of theirs, which the next tracer would remove.
    Object.defineProperty(request, '__unwrap', { value: () => this.#dropLayer(), configurable: true });
    Object.defineProperty(get, '__unwrap', { value: () => {}, configurable: true });
    return { request, get, reach };
  }

  #put(name: 'request' | 'get'): void {
    replaceProperty(this.module, name, this.#ours[name]);
  }

  /** `reach`: how many of the wrappers below us are meant by the function that was called. */
  #take(args: unknown[], reach: number): ClientRequest {
    if (this.#level >= 0) return this.#below(args);
    const length = Math.min(this.#layers.length, reach);
    if (this.module.request !== this.#ours.request) this.reassert();
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
    if (current === this.#ours.request) return false;
    if (current !== this.#base && !this.#layers.includes(current) && !this.#former.has(current)) {
      if (!wraps(current, this.#ours.request)) return false;
      this.#push(current);
    }
    this.#put('request');
    return true;
  }

  #reassertGet(): boolean {
    const current = this.module.get as Wrapper;
    if (current === this.#ours.get) return false;
    // Nothing to keep: our `get` goes through `request`, and so through the same tracer's wrapper of that.
    if (current !== this.#baseGet && !this.#former.has(current) && !wraps(current, this.#ours.get)) return false;
    this.#put('get');
    return true;
  }

  /** Who has kept what it found, to send its own exports by, is not to find its wrapper below that: there are new ones. */
  #push(layer: Wrapper): void {
    if (keepsWhatItFound(layer)) {
      this.#ours.reach.layers = Math.min(this.#ours.reach.layers, this.#layers.length);
      this.#former.add(this.#ours.request).add(this.#ours.get);
      this.#ours = this.#makeOurs();
    }
    this.#layers.push(layer);
  }

  #dropLayer(): void {
    if (this.#layers.pop() === undefined && typeof this.#base.__original === 'function')
      this.#base = this.#base.__original;
  }
}
