import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { EngineListener, EventSource, ObservedCall, ResilienceEvent } from '../engine/events.ts';
import { apiRegistry } from './api-registry.ts';
import { diagnoseFault } from './diagnostics.ts';
import { hasListeners } from './event-channel.ts';
import type { TelemetryListener, TelemetryOptions } from './listener.ts';
import { OpenCircuitNotice } from './open-circuit-notice.ts';
import type { LoggerProvider } from './providers.ts';

/** As the package @opentelemetry/api-logs, which can be set up without the API proper, leaves it behind. */
const LOGS = Symbol.for('io.opentelemetry.js.api.logs');

export interface DeferredOptions extends TelemetryOptions {
  /** Whether a circuit that opens is told in a plain line as long as there is no SDK to see it. */
  readonly sayOpened?: boolean;
}

/**
 * Stands in for the TelemetryListener until there is somebody to tell something to: an SDK, a subscriber of the event
 * channel, a reader of the JSON log. Until then neither our telemetry nor the OpenTelemetry API is loaded, and a call
 * costs three looks at whether that has changed.
 */
export class DeferredListener implements EngineListener {
  readonly #options: DeferredOptions;
  /** Undefined: it is seen otherwise, or not to be said. */
  readonly #notice: OpenCircuitNotice | undefined;
  #listener: TelemetryListener | undefined;
  #failed = false;

  constructor(options: DeferredOptions) {
    this.#options = options;
    this.#notice = options.sayOpened === true ? new OpenCircuitNotice() : undefined;
    if (options.jsonLog) this.#load();
  }

  callStarted(call: ObservedCall): void {
    this.#wanted()?.callStarted(call);
  }

  attempt(call: ObservedCall, number: number, send: () => void): void {
    const listener = this.#wanted();
    if (listener === undefined) send();
    else listener.attempt(call, number, send);
  }

  event(event: ResilienceEvent, source: EventSource, call: ObservedCall | undefined): void {
    const listener = this.#wanted();
    listener?.event(event, source, call);
    // On the path of events, of which there are few.
    if (this.#notice !== undefined && !hasTelemetry()) this.#notice.event(event, source);
  }

  callEnded(call: ObservedCall, durationMs: number): void {
    this.#wanted()?.callEnded(call, durationMs);
  }

  join(): void {
    this.#wanted()?.join();
  }

  useTracerProvider(provider: TracerProvider | undefined): void {
    this.#load()?.useTracerProvider(provider);
  }

  useMeterProvider(provider: MeterProvider | undefined): void {
    this.#load()?.useMeterProvider(provider);
  }

  useLoggerProvider(provider: LoggerProvider | undefined): void {
    this.#load()?.useLoggerProvider(provider);
  }

  /** Forgets the providers that were given: those of an SDK that has given way to another. */
  moveToGlobal(): void {
    this.useMeterProvider(undefined);
    this.useLoggerProvider(undefined);
  }

  close(): void {
    this.#listener?.close();
  }

  /** On the path of every call. */
  #wanted(): TelemetryListener | undefined {
    if (this.#listener !== undefined) return this.#listener;
    if (apiRegistry() === undefined && !hasListeners() && !(LOGS in globalThis)) return undefined;
    return this.#load();
  }

  #load(): TelemetryListener | undefined {
    if (this.#listener !== undefined || this.#failed) return this.#listener;
    try {
      const { TelemetryListener } = require('./listener.js') as typeof import('./listener.ts');
      this.#listener = new TelemetryListener(this.#options);
    } catch (error) {
      // As when the API is not installed beside us. Policies work without telemetry.
      this.#failed = true;
      diagnoseFault('loading telemetry', error);
    }
    return this.#listener;
  }
}

/** Whether any part of an SDK is there. A logger for diagnostics alone is none. */
function hasTelemetry(): boolean {
  const registry = apiRegistry();
  if (LOGS in globalThis) return true;
  return registry?.trace !== undefined || registry?.metrics !== undefined || registry?.logs !== undefined;
}
