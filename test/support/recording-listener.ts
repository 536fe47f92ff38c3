import type { EngineListener, EventSource, ObservedCall, ResilienceEvent } from '../../src/engine/events.ts';

/** Keeps everything the engine tells. */
export class RecordingListener implements EngineListener {
  readonly started: ObservedCall[] = [];
  readonly events: Array<{
    readonly event: ResilienceEvent;
    readonly source: EventSource;
    readonly call: ObservedCall | undefined;
  }> = [];
  readonly ended: Array<{ readonly call: ObservedCall; readonly durationMs: number }> = [];
  readonly attempts: number[] = [];

  callStarted(call: ObservedCall): void {
    this.started.push(call);
  }

  event(event: ResilienceEvent, source: EventSource, call: ObservedCall | undefined): void {
    this.events.push({ event, source, call });
  }

  attempt(_call: ObservedCall, number: number, send: () => void): void {
    this.attempts.push(number);
    send();
  }

  callEnded(call: ObservedCall, durationMs: number): void {
    this.ended.push({ call, durationMs });
  }

  get types(): string[] {
    return this.events.map(({ event }) => event.type);
  }
}
