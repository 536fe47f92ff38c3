import diagnosticsChannel from 'node:diagnostics_channel';
import type { SpanContext } from '@opentelemetry/api';
import type { EventSource, ResilienceEvent } from '../engine/events.ts';
import { guarded } from './guard.ts';
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

type Listener = diagnosticsChannel.ChannelListener;

/** What listeners were given to the channel, and what it was told to call instead. */
const guardedListeners = new WeakMap<Listener, Listener>();
const guards = new WeakSet<Listener>();

const channel = guardListeners(diagnosticsChannel.channel(EVENT_CHANNEL));

/**
 * Node makes of what a listener throws an uncaught exception, which ends the app for a mistake in somebody's dashboard.
 * On this channel it becomes a line of diagnostics. Only listeners that came before us stay as Node has it.
 */
function guardListeners(target: diagnosticsChannel.Channel): diagnosticsChannel.Channel {
  if (Object.hasOwn(target, 'subscribe')) return target; // by another copy of this package
  // Looked up at each use: a channel changes its prototype with its first listener, and calls itself again.
  const native = (): diagnosticsChannel.Channel => Object.getPrototypeOf(target) as diagnosticsChannel.Channel;
  replaceMethod(target, 'subscribe', (listener) => native().subscribe.call(target, guardOf(listener)));
  replaceMethod(target, 'unsubscribe', (listener) => native().unsubscribe.call(target, guardOf(listener)));
  return target;
}

function replaceMethod(
  target: diagnosticsChannel.Channel,
  name: 'subscribe' | 'unsubscribe',
  value: (listener: Listener) => unknown,
): void {
  Object.defineProperty(target, name, { configurable: true, writable: true, enumerable: false, value });
}

function guardOf(listener: Listener): Listener {
  // What is not a function is Node's to complain about.
  if (typeof listener !== 'function' || guards.has(listener)) return listener;
  let guard = guardedListeners.get(listener);
  if (guard === undefined) {
    guard = (message, name) => guarded(`a listener of ${EVENT_CHANNEL}`, () => listener(message, name));
    guardedListeners.set(listener, guard);
    guards.add(guard);
  }
  return guard;
}

export function hasListeners(): boolean {
  return channel.hasSubscribers;
}

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
