import { context, type MeterProvider, ROOT_CONTEXT, type TracerProvider, trace } from '@opentelemetry/api';
import type { EngineListener, EventSource, ObservedCall, ResilienceEvent } from '../engine/events.ts';
import type { UpstreamSnapshot } from '../engine/snapshot.ts';
import { AttemptContext } from './attempt-context.ts';
import { ConsoleLogs } from './console-logs.ts';
import { hasListeners, publish } from './event-channel.ts';
import { EventLogs, type EventSignal } from './event-logs.ts';
import { isChange, recordOf } from './event-record.ts';
import { guarded, reportFailure } from './guard.ts';
import { ResilienceMetrics } from './metrics.ts';
import { type LoggerProvider, LoggerSource, MeterSource, TracerSource } from './providers.ts';
import { resendIn } from './resend-count.ts';
import { CallSpans, CallTrace, contextOf } from './spans.ts';

export interface TelemetryOptions {
  readonly eventSignal: EventSignal;
  /** Whether events are also written to stderr as JSON lines (`OTEL_RESILIENCE_LOG=json`). */
  readonly jsonLog: boolean;
  /** The engine's state at the moment of the call; asked only when a metric reader collects. */
  readonly snapshots: () => readonly UpstreamSnapshot[];
}

export const TELEMETRY_DEFAULTS: Omit<TelemetryOptions, 'snapshots'> = { eventSignal: 'logs/dup', jsonLog: false };

/**
 * Tells OpenTelemetry what the engine does: the only code that speaks to it. Late SDKs are joined as they appear. No SDK,
 * exporter, span processor or hook that throws reaches the app: each thing told is guarded on its own.
 */
export class TelemetryListener implements EngineListener {
  readonly #tracers = new TracerSource();
  readonly #meters = new MeterSource();
  readonly #loggers = new LoggerSource();
  readonly #spans = new CallSpans(this.#tracers);
  readonly #metrics: ResilienceMetrics;
  readonly #eventLogs: EventLogs;
  readonly #consoleLogs: ConsoleLogs | undefined;

  constructor(options: TelemetryOptions) {
    this.#metrics = new ResilienceMetrics(this.#meters, options.snapshots);
    this.#eventLogs = new EventLogs(this.#loggers, options.eventSignal);
    this.#consoleLogs = options.jsonLog ? new ConsoleLogs() : undefined;
  }

  callStarted(call: ObservedCall): void {
    try {
      this.#spans.note(call);
    } catch (error) {
      reportFailure('span start', error);
    }
  }

  attempt(call: ObservedCall, number: number, send: () => void): void {
    // Nothing has happened to the call yet, so the caller's context is the active one. On the path of every call.
    if (number === 1 && !(call.scope instanceof CallTrace)) return send();
    let sent = false;
    const sendOnce = () => {
      sent = true;
      send();
    };
    const within = contextOf(call);
    const making = new AttemptContext(within, call.scope instanceof CallTrace ? call.scope.caller : within);
    try {
      if (number > 1) resendIn(making, number - 1, sendOnce);
      else context.with(making, sendOnce);
    } catch (error) {
      if (sent) throw error; // what `send` itself throws is none of ours
      reportFailure('context of an attempt', error);
      send();
    } finally {
      making.made();
    }
  }

  event(event: ResilienceEvent, source: EventSource, call: ObservedCall | undefined): void {
    if (event.type === 'circuit_state_changed') {
      guarded('transition metric', () => this.#metrics.circuitStateChanged(event, source));
    } else if (event.type === 'call_queued') {
      guarded('wait metric', () => this.#metrics.callQueued(event.waitedMs, source));
    }
    if (call !== undefined) guarded('span', () => this.#spans.ensureSpan(call));
    if (call !== undefined && event.type === 'call_rejected') {
      guarded('span', () => this.#spans.explainRejection(call));
    }
    guarded('event', () => this.#tell(event, source, call));
  }

  callEnded(call: ObservedCall, durationMs: number): void {
    try {
      this.#metrics.callEnded(call, durationMs);
    } catch (error) {
      reportFailure('duration metric', error);
    }
    try {
      this.#spans.end(call);
    } catch (error) {
      reportFailure('span end', error);
    }
  }

  /** Binds to the SDK that is registered now, so that metrics are there before the first call. */
  join(): void {
    guarded('metrics', () => this.#metrics.bind());
  }

  useTracerProvider(provider: TracerProvider | undefined): void {
    this.#tracers.use(provider);
  }

  useMeterProvider(provider: MeterProvider | undefined): void {
    guarded('meter provider', () => {
      this.#meters.use(provider);
      this.#metrics.bind();
    });
  }

  useLoggerProvider(provider: LoggerProvider | undefined): void {
    this.#loggers.use(provider);
  }

  /** Withdraws from the SDK. A later call binds the metrics again. */
  close(): void {
    guarded('metrics', () => this.#metrics.unbind());
    guarded('console log', () => this.#consoleLogs?.close());
  }

  #tell(event: ResilienceEvent, source: EventSource, call: ObservedCall | undefined): void {
    const noted = call?.scope instanceof CallTrace ? call.scope : undefined;
    const span = noted && trace.getSpanContext(noted.context);
    const logs = this.#consoleLogs;
    if (logs !== undefined || this.#eventLogs.wants(isChange(event), noted?.span)) {
      const record = recordOf(event, source, call, noted?.requestId);
      if (record !== undefined) {
        this.#eventLogs.emit(record, noted?.context ?? ROOT_CONTEXT, noted?.span);
        guarded('console log', () => logs?.emit(record, source.upstream, span, noted?.requestId));
      }
    }
    if (hasListeners()) guarded('event channel', () => publish(event, source, span, noted?.requestId));
  }
}
