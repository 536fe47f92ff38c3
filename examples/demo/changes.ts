import { ATTR, EVENTS } from '../../src/telemetry/names.ts';
import type { AttributeRecord, ReceivedLog } from '../../test/support/otlp-receiver.ts';

/** A change of state as OpenTelemetry got it, or as our JSON log has it. */
export interface Change {
  readonly event: string;
  readonly attributes: AttributeRecord;
  readonly traceId: string | undefined;
}

export function fromOtlp({ eventName, attributes, traceId }: ReceivedLog): Change | undefined {
  return eventName === undefined ? undefined : { event: eventName, attributes, traceId };
}

/** A line of `OTEL_RESILIENCE_LOG=json`; undefined for any other line. */
export function fromJsonLog(line: string): Change | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { event, attributes, trace_id } = JSON.parse(line) as Record<string, unknown>;
    if (typeof event !== 'string' || !event.startsWith('resilience.')) return undefined;
    return { event, attributes: attributes as AttributeRecord, traceId: trace_id as string | undefined };
  } catch {
    return undefined;
  }
}

export function isCircuitChange({ event }: Change): boolean {
  return event === EVENTS.circuitStateChange.name;
}

export function isHealthChange({ event }: Change): boolean {
  return event === EVENTS.upstreamHealthChange.name;
}

/** The changes of circuits in their order, so that a script can wait for the next one without missing any. */
export class CircuitChanges {
  readonly #states: string[] = [];
  #wake: (() => void) | undefined;

  push(change: Change): void {
    this.#states.push(String(change.attributes[ATTR.circuitState]));
    this.#wake?.();
  }

  /** Resolves at the next change to `state` that no earlier wait has seen. */
  async next(state: string): Promise<void> {
    for (;;) {
      const found = this.#states.indexOf(state);
      if (found !== -1) {
        this.#states.splice(0, found + 1);
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
