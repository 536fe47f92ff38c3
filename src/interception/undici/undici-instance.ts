import type { Dispatcher, DispatchFunction } from './undici-types.ts';

/** Whichever class of dispatchers a copy's Agent is. */
export type AgentClass = new () => Dispatcher;

/** Which styles of handlers a copy takes: 5 and 6 the legacy one, 7 both, 8 the newer one. */
interface Styles {
  readonly legacy: boolean;
  readonly controller: boolean;
}

/** One loaded copy of undici: its `DispatcherBase.prototype`, from which all its agents, pools and clients inherit. */
export class Copy {
  readonly prototype: object;
  readonly styles: Styles;
  readonly original: DispatchFunction;
  agentClass: AgentClass | undefined = undefined;
  readonly #descriptor: PropertyDescriptor;
  #patched: DispatchFunction | undefined = undefined;
  #agent: Dispatcher | undefined = undefined;

  /** Undefined if this isn't a prototype that `DispatcherBase` could have. */
  static of(prototype: object): Copy | undefined {
    const own = ['dispatch', 'close', 'destroy'].every((name) => Object.hasOwn(prototype, name));
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'dispatch');
    if (!own || typeof descriptor?.value !== 'function' || descriptor.configurable !== true) return undefined;
    const styles = probe(prototype, descriptor.value);
    return styles.legacy || styles.controller ? new Copy(prototype, descriptor, styles) : undefined;
  }

  private constructor(prototype: object, descriptor: PropertyDescriptor, styles: Styles) {
    this.prototype = prototype;
    this.styles = styles;
    this.original = descriptor.value as DispatchFunction;
    this.#descriptor = descriptor;
  }

  patch(make: (copy: Copy) => DispatchFunction): void {
    this.#patched = make(this);
    Object.defineProperty(this.prototype, 'dispatch', { ...this.#descriptor, value: this.#patched });
  }

  undo(): void {
    const current = Object.getOwnPropertyDescriptor(this.prototype, 'dispatch');
    if (current?.value === this.#patched) Object.defineProperty(this.prototype, 'dispatch', this.#descriptor);
  }

  /** A dispatcher of this copy that goes anywhere, for attempts that a client or a pool of one origin cannot make. */
  agent(): Dispatcher | undefined {
    if (this.#agent === undefined && this.agentClass !== undefined) this.#agent = new this.agentClass();
    return this.#agent;
  }
}

/**
 * Asks `dispatch` how it reports that its options are missing: every version checks them first, inside the try block
 * whose errors go to the handler, and touches nothing else.
 */
function probe(prototype: object, dispatch: DispatchFunction): Styles {
  let legacy = false;
  let controller = false;
  const ask = (handler: object): void => {
    try {
      Reflect.apply(dispatch, Object.create(prototype), [undefined, handler]);
    } catch {
      // Not a style of this copy, or not a dispatch of undici's at all.
    }
  };
  ask({
    onError() {
      legacy = true;
    },
  });
  ask({
    onRequestStart() {},
    onResponseError() {
      controller = true;
    },
  });
  return { legacy, controller };
}
