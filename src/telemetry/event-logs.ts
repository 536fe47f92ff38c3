import type { Context, Span } from '@opentelemetry/api';
import type { EventRecord } from './event-record.ts';
import { guarded } from './guard.ts';
import type { LoggerSource } from './providers.ts';

/**
 * Where events go, as the semantic conventions spell it: on spans, or as log records, or both. With both, log records
 * are only made of changes of state; what happens to single calls would be too much of them.
 */
export type EventSignal = 'span' | 'logs' | 'logs/dup';

/** Tells events to the SDK. */
export class EventLogs {
  readonly #loggers: LoggerSource;
  readonly #signal: EventSignal;

  constructor(loggers: LoggerSource, signal: EventSignal) {
    this.#loggers = loggers;
    this.#signal = signal;
  }

  /** Whether an event may find a taker, so that it is worth a record. */
  wants(isChange: boolean, span: Span | undefined): boolean {
    return this.#logged(isChange) || (this.#signal !== 'logs' && span?.isRecording() === true);
  }

  emit(record: EventRecord, context: Context, span: Span | undefined): void {
    if (this.#signal !== 'logs') guarded('span event', () => addTo(span, record));
    if (this.#logged(record.isChange)) guarded('event log', () => this.#log(record, context));
  }

  #logged(isChange: boolean): boolean {
    return this.#signal === 'logs' || (this.#signal === 'logs/dup' && isChange);
  }

  #log({ name, timestamp, severityNumber, message, attributes }: EventRecord, context: Context): void {
    const logger = this.#loggers.loggerFor(context, severityNumber, name);
    // No severity text: the conventions for events forbid it.
    logger?.emit({ eventName: name, timestamp, severityNumber, body: message, attributes, context });
  }
}

function addTo(span: Span | undefined, { name, timestamp, attributes }: EventRecord): void {
  if (span?.isRecording()) span.addEvent(name, attributes, timestamp);
}
