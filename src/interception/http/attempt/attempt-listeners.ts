import { errorMonitor } from 'node:events';
import type { ClientRequest } from 'node:http';

type Listener = (...args: unknown[]) => unknown;
type Emit = ClientRequest['emit'];
/** Runs `action`, an emission with `args`; should it end at the caller's request, it is one of the carrier. */
type Divert = (carrier: ClientRequest, args: readonly unknown[], action: () => boolean) => boolean;
type ByEvent = ReadonlyMap<string | symbol, readonly Listener[]>;

function listenersOf(request: ClientRequest): ByEvent {
  return new Map(request.eventNames().map((event) => [event, request.rawListeners(event) as Listener[]]));
}

function ownEmit(request: ClientRequest): Emit | undefined {
  return Object.hasOwn(request, 'emit') ? request.emit : undefined;
}

/**
 * How tracers look at the caller's own request as the first attempt of its call: by listeners, or by an `emit` of the
 * object's own. What becomes of that attempt is for them, even when the app never hears of it; of later attempts they
 * must not hear.
 */
export class AttemptListeners {
  readonly #byEvent: ByEvent;
  readonly #emit: Emit | undefined;

  private constructor(byEvent: ByEvent, emit: Emit | undefined) {
    this.#byEvent = byEvent;
    this.#emit = emit;
  }

  static readonly NOBODY = new AttemptListeners(new Map(), undefined);

  /** Undefined if nobody looks, which is so without a tracer. */
  static of(request: ClientRequest): AttemptListeners | undefined {
    const emit = ownEmit(request);
    if (emit === undefined && request.eventNames().length === 0) return undefined;
    return new AttemptListeners(listenersOf(request), emit);
  }

  /** The same, and whoever listens by now and did not `before`. */
  withThoseSince(before: AttemptListeners | undefined, request: ClientRequest): AttemptListeners {
    const all = new Map(this.#byEvent);
    for (const [event, listeners] of listenersOf(request)) {
      const there = (before === undefined ? undefined : before.#byEvent.get(event)) ?? [];
      const came = listeners.filter((listener) => !there.includes(listener));
      if (came.length > 0) all.set(event, [...(all.get(event) ?? []), ...came]);
    }
    return new AttemptListeners(all, this.#emit);
  }

  /** Tells them of an event that the request does not emit, or not yet. */
  tell(type: string, value: unknown, request: ClientRequest): void {
    if (type === 'error') this.#call(errorMonitor, value, request);
    this.#call(type, value, request);
  }

  /**
   * Has them look at what carries the attempt on. A listener that took itself off (`once`) has had its turn. An
   * `emit` of a tracer may go on with the request it was made for: `divert` has that event happen to the carrier.
   */
  moveTo(carrier: ClientRequest, request: ClientRequest, divert: Divert): void {
    this.#moveEmit(carrier, request, divert);
    for (const [event, listeners] of this.#byEvent) {
      const left = request.rawListeners(event) as Listener[];
      for (const listener of listeners) {
        if (!left.includes(listener)) continue;
        request.removeListener(event, (listener as { listener?: Listener }).listener ?? listener);
        carrier.on(event, listener);
      }
    }
  }

  /** Has them look at the caller's request again. */
  moveBack(carrier: ClientRequest, request: ClientRequest): void {
    for (const [event, listeners] of this.#byEvent) {
      const left = carrier.rawListeners(event) as Listener[];
      for (const listener of listeners) {
        if (!left.includes(listener)) continue;
        carrier.removeListener(event, listener);
        request.on(event, listener);
      }
    }
    if (this.#emit === undefined) return;
    Reflect.deleteProperty(carrier, 'emit');
    Object.defineProperty(request, 'emit', { value: this.#emit, configurable: true, enumerable: true, writable: true });
  }

  #moveEmit(carrier: ClientRequest, request: ClientRequest, divert: Divert): void {
    const emit = this.#emit;
    if (emit === undefined) return;
    // An app may have put one of its own over it.
    if (ownEmit(request) === emit) Reflect.deleteProperty(request, 'emit');
    const value = (...args: unknown[]): boolean => divert(carrier, args, () => Reflect.apply(emit, carrier, args));
    Object.defineProperty(carrier, 'emit', { value, configurable: true, writable: true });
  }

  #call(type: string | symbol, value: unknown, request: ClientRequest): void {
    for (const listener of this.#byEvent.get(type) ?? []) {
      if (request.rawListeners(type).includes(listener)) Reflect.apply(listener, request, [value]);
    }
  }
}
