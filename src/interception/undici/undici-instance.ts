import { replaceProperty, UndoStack } from '../patch.ts';
import type { Dispatcher, DispatchFunction } from './undici-types.ts';
import { closeAfterWaiting, destroyWaiting } from './waiting-calls.ts';

/** Whichever class of dispatchers a copy's Agent is. */
export type AgentClass = new () => Dispatcher;

/** Which styles of handlers a copy takes: 5 and 6 the legacy one, 7 both, 8 the newer one. */
interface Styles {
  readonly legacy: boolean;
  readonly controller: boolean;
}

/** One loaded copy of undici: its `DispatcherBase.prototype`, from which all its agents, pools and clients inherit. */
export class UndiciInstance {
  readonly prototype: object;
  readonly styles: Styles;
  readonly original: DispatchFunction;
  agentClass: AgentClass | undefined = undefined;
  readonly #undos = new UndoStack();
  #agent: Dispatcher | undefined = undefined;

  /** Undefined if this isn't a prototype that `DispatcherBase` could have. */
  static of(prototype: object): UndiciInstance | undefined {
    const own = ['dispatch', 'close', 'destroy'].every((name) => Object.hasOwn(prototype, name));
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'dispatch');
    if (!own || typeof descriptor?.value !== 'function' || descriptor.configurable !== true) return undefined;
    const styles = probe(prototype, descriptor.value);
    return styles.legacy || styles.controller ? new UndiciInstance(prototype, descriptor, styles) : undefined;
  }

  private constructor(prototype: object, descriptor: PropertyDescriptor, styles: Styles) {
    this.prototype = prototype;
    this.styles = styles;
    this.original = descriptor.value as DispatchFunction;
  }

  patch(make: (instance: UndiciInstance) => DispatchFunction): void {
    const { prototype } = this;
    this.#undos.add(replaceProperty(prototype, 'dispatch', make(this)));
    const { close, destroy } = endings(prototype as Endings);
    this.#undos.add(replaceProperty(prototype, 'close', close));
    this.#undos.add(replaceProperty(prototype, 'destroy', destroy));
  }

  undo(): void {
    this.#undos.undo();
  }

  /** A dispatcher of this copy that goes anywhere, for attempts that a client or a pool of one origin cannot make. */
  agent(): Dispatcher | undefined {
    if (this.#agent === undefined && this.agentClass !== undefined) this.#agent = new this.agentClass();
    return this.#agent;
  }
}

interface Endings {
  close(callback?: unknown): unknown;
  destroy(error?: unknown, callback?: unknown): unknown;
}

/** `close` and `destroy` that know of the calls we keep, as the originals know of those undici has queued. */
function endings({ close, destroy }: Endings): Endings {
  return {
    // Without a callback the original makes a promise and calls this again with a callback.
    close(this: Dispatcher, callback?: unknown): unknown {
      const now = (): unknown => Reflect.apply(close, this, [callback]);
      return typeof callback === 'function' && closeAfterWaiting(this, now) ? undefined : now();
    },
    destroy(this: Dispatcher, error?: unknown, callback?: unknown): unknown {
      const result: unknown = Reflect.apply(destroy, this, [error, callback]);
      destroyWaiting(this, error instanceof Error ? error : undefined);
      return result;
    },
  };
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
