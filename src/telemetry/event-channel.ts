import diagnosticsChannel from 'node:diagnostics_channel';
import type { SpanContext } from '@opentelemetry/api';
import type { EventSource, ResilienceEvent } from '../engine/events.ts';
import { EVENT_CHANNEL } from './names.ts';

/** What listeners on the `resilience:event` channel get. */
export interface EventMessage {
  readonly event: ResilienceEvent;
  readonly policy: string;
  readonly upstream: string;
  readonly mode: EventSource['mode'];
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** Of the call that caused the event; undefined without a call or an SDK. */
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly requestId: string | undefined;
}

const channel = diagnosticsChannel.channel(EVENT_CHANNEL);

export function hasListeners(): boolean {
  return channel.hasSubscribers;
}

/** A listener that throws raises `uncaughtException`, as Node does for every channel. */
export function publish(
  event: ResilienceEvent,
  source: EventSource,
  span: SpanContext | undefined,
  requestId: string | undefined,
): void {
  const message: EventMessage = {
    event,
    policy: source.policy,
    upstream: source.upstream,
    mode: source.mode,
    timestamp: Date.now(),
    traceId: span?.traceId,
    spanId: span?.spanId,
    requestId,
  };
  channel.publish(message);
}
