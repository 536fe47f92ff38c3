import type { Span, Tracer, TracerProvider } from '@opentelemetry/api';
import { loadApi } from '../telemetry/api-registry.ts';

/** What providers of an SDK have beside what the API asks of them. */
export interface SdkProvider {
  forceFlush?(): Promise<void>;
  shutdown?(): Promise<void>;
}

type TracerArguments = Parameters<TracerProvider['getTracer']>;

/**
 * Stands before the tracer provider of our SDK. What the app gets here it may keep for ever, as modules do with their
 * tracer: it leads to our SDK and, once that is retired, to the one that is registered then.
 */
export class ProvisionalTracerProvider implements TracerProvider {
  readonly #ours: TracerProvider & SdkProvider;
  #retired = false;

  constructor(ours: TracerProvider & SdkProvider) {
    this.#ours = ours;
  }

  retire(): void {
    this.#retired = true;
  }

  getTracer(...args: TracerArguments): Tracer {
    return new ProvisionalTracer(this.#ours.getTracer(...args), () =>
      // The API's own stand-in, where there is no provider yet, looks for one at each use.
      this.#retired
        ? loadApi()
            .trace.getTracerProvider()
            .getTracer(...args)
        : undefined,
    );
  }

  // Apps that end without an event (functions in a cloud) flush the provider that they find.
  async forceFlush(): Promise<void> {
    await this.#ours.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#ours.shutdown?.();
  }
}

class ProvisionalTracer implements Tracer {
  #tracer: Tracer;
  #successor: (() => Tracer | undefined) | undefined;

  constructor(ours: Tracer, successor: () => Tracer | undefined) {
    this.#tracer = ours;
    this.#successor = successor;
  }

  startSpan(...args: Parameters<Tracer['startSpan']>): Span {
    return this.#current().startSpan(...args);
  }

  startActiveSpan(...args: unknown[]): never {
    const tracer = this.#current();
    return Reflect.apply(tracer.startActiveSpan, tracer, args) as never;
  }

  #current(): Tracer {
    const successor = this.#successor?.();
    if (successor !== undefined) {
      this.#tracer = successor;
      this.#successor = undefined;
    }
    return this.#tracer;
  }
}
