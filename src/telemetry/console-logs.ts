import { Console } from 'node:console';
import type { SpanContext } from '@opentelemetry/api';
import type { EventRecord } from './event-record.ts';
import { ATTR, OTHER, type Severity } from './names.ts';

/** Lines per upstream and second about single calls; changes of state are rare by nature and always written. */
const MAX_LINES_PER_SECOND = 10;
const MAX_UPSTREAMS = 200;
/** Beyond this much unwritten output the reader is not reading: lines are dropped, not kept in memory. */
const MAX_PENDING_BYTES = 1024 * 1024;
const WINDOW_MS = 1_000;

interface LogLine {
  readonly timestamp: string;
  readonly severity: Severity;
  readonly event: string;
  readonly message: string;
  readonly trace_id?: string | undefined;
  readonly span_id?: string | undefined;
  readonly request_id?: string | undefined;
  readonly attributes: Record<string, unknown>;
}

interface Window {
  written: number;
  dropped: number;
}

/** `OTEL_RESILIENCE_LOG=json`: one JSON object per line on stderr, for apps whose logs are collected from there. */
export class ConsoleLogs {
  readonly #write: (line: string) => boolean;
  readonly #windows = new Map<string, Window>();
  #timer: NodeJS.Timeout | undefined;
  /** Whether lines were left out that no line has told of yet. */
  #owes = false;
  readonly #onExit = (): void => this.#sum();

  /** `write` answers false when the line could not be taken. */
  constructor(write: (line: string) => boolean = writeToStderr) {
    this.#write = write;
  }

  emit(record: EventRecord, upstream: string, span: SpanContext | undefined, requestId: string | undefined): void {
    const window = this.#windowOf(upstream);
    if (!record.isChange && window.written >= MAX_LINES_PER_SECOND) {
      this.#leaveOut(window);
      return;
    }
    if (!record.isChange) window.written += 1;
    const taken = this.#writeLine({
      timestamp: new Date(record.timestamp).toISOString(),
      severity: record.severity,
      event: record.name,
      message: record.message,
      trace_id: span?.traceId,
      span_id: span?.spanId,
      request_id: requestId,
      attributes: record.attributes,
    });
    if (!taken) this.#leaveOut(window);
  }

  close(): void {
    this.#sum();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #windowOf(upstream: string): Window {
    const key = this.#windows.has(upstream) || this.#windows.size < MAX_UPSTREAMS ? upstream : OTHER;
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = { written: 0, dropped: 0 };
      this.#windows.set(key, window);
    }
    this.#timer ??= setTimeout(() => this.#endWindow(), WINDOW_MS).unref();
    return window;
  }

  #leaveOut(window: Window): void {
    window.dropped += 1;
    if (this.#owes) return;
    this.#owes = true;
    // A process that ends before the window does says it on the way out.
    process.once('exit', this.#onExit);
  }

  #endWindow(): void {
    this.#timer = undefined;
    this.#sum();
  }

  /** One line for each upstream of which lines were left out; then all begin anew. */
  #sum(): void {
    for (const [upstream, { dropped }] of this.#windows) {
      if (dropped === 0) continue;
      this.#writeLine({
        timestamp: new Date().toISOString(),
        severity: 'WARN',
        event: 'resilience.log.dropped',
        message: `${dropped} more events of ${upstream} in about a second, not written`,
        attributes: { [ATTR.upstreamName]: upstream, dropped },
      });
    }
    this.#windows.clear();
    if (this.#owes) process.removeListener('exit', this.#onExit);
    this.#owes = false;
  }

  #writeLine(line: LogLine): boolean {
    return this.#write(JSON.stringify(line));
  }
}

let stderrConsole: Console | undefined;

/**
 * Through a console of our own, as that ignores a closed pipe (an `error` event that nobody hears would end the process).
 * Writes to a pipe do not block: what the reader does not take yet is buffered by the stream.
 */
export function writeToStderr(line: string): boolean {
  if (process.stderr.writableLength > MAX_PENDING_BYTES) return false;
  stderrConsole ??= new Console({ stdout: process.stderr, stderr: process.stderr, ignoreErrors: true });
  stderrConsole.error(line);
  return true;
}
