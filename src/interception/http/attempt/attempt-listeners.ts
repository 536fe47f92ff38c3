import { errorMonitor } from 'node:events';
import type { ClientRequest } from 'node:http';

type Listener = (...args: unknown[]) => unknown;

/**
 * The listeners that tracers put on the caller's own request while they made the first attempt of it. What becomes of
 * that attempt is for them, even when the app never hears of it; of later attempts they must not hear.
 */
export class AttemptListeners {
  readonly #byEvent: ReadonlyMap<string | symbol, readonly Listener[]>;

  private constructor(byEvent: ReadonlyMap<string | symbol, readonly Listener[]>) {
    this.#byEvent = byEvent;
  }

  /** Undefined if nobody listens, which is so without a tracer. */
  static of(request: ClientRequest): AttemptListeners | undefined {
    const events = request.eventNames();
    if (events.length === 0) return undefined;
    return new AttemptListeners(new Map(events.map((event) => [event, request.rawListeners(event) as Listener[]])));
  }

  /** Tells them of an event that the request does not emit, or not yet. */
  tell(type: string, value: unknown, request: ClientRequest): void {
    if (type === 'error') this.#call(errorMonitor, value, request);
    this.#call(type, value, request);
  }

  /** Has them listen to what carries the attempt on. One that took itself off (`once`) has had its turn. */
  moveTo(carrier: ClientRequest, request: ClientRequest): void {
    for (const [event, listeners] of this.#byEvent) {
      const left = request.rawListeners(event) as Listener[];
      for (const listener of listeners) {
        if (!left.includes(listener)) continue;
        request.removeListener(event, (listener as { listener?: Listener }).listener ?? listener);
        carrier.on(event, listener);
      }
    }
  }

  #call(type: string | symbol, value: unknown, request: ClientRequest): void {
    for (const listener of this.#byEvent.get(type) ?? []) {
      if (request.rawListeners(type).includes(listener)) Reflect.apply(listener, request, [value]);
    }
  }
}
