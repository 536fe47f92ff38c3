import type { Attributes } from '@opentelemetry/api';
import { readableDuration } from '../common/duration.ts';
import type { EventSource, Mode, ObservedCall, ResilienceEvent } from '../engine/events.ts';
import { ATTR, EVENTS, type EventDefinition, OTHER, SEVERITY, type Severity } from './names.ts';

/** An event as it is told outside: the same name, attributes and timestamp on the span and in the log. */
export interface EventRecord {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly severity: Severity;
  readonly severityNumber: number;
  /** For people. */
  readonly message: string;
  readonly attributes: Attributes;
  /** A change of state, as opposed to something that happened to one call. */
  readonly isChange: boolean;
}

interface Description {
  readonly definition: EventDefinition;
  readonly severity?: Severity;
  readonly message: string;
  readonly attributes: Attributes;
}

/** Undefined for what is no event outside: waiting for admission shows as a metric and in the span's times. */
export function recordOf(
  event: ResilienceEvent,
  source: EventSource,
  call: ObservedCall | undefined,
  requestId: string | undefined,
): EventRecord | undefined {
  const description = describe(event, source);
  if (description === undefined) return undefined;
  const { definition, message } = description;
  const severity = description.severity ?? definition.severity;
  return {
    name: definition.name,
    timestamp: Date.now(),
    severity,
    severityNumber: SEVERITY[severity],
    message: source.mode === 'observe' ? `${message} (observed only)` : message,
    attributes: { ...describeSource(source, call, requestId), ...description.attributes },
    isChange: isChange(event),
  };
}

export function isChange({ type }: ResilienceEvent): boolean {
  return type === 'circuit_state_changed' || type === 'health_changed';
}

/** What spans and events say of where a call goes and under which policy. */
export function describeSource(
  source: EventSource,
  call: ObservedCall | undefined,
  requestId: string | undefined,
): Attributes {
  const attributes: Attributes = { [ATTR.policyName]: source.policy, [ATTR.upstreamName]: source.upstream };
  if (call !== undefined) {
    attributes[ATTR.serverAddress] = call.host;
    if (call.port > 0) attributes[ATTR.serverPort] = call.port; // a unix socket has none
    attributes[ATTR.requestMethod] = knownMethod(call.method);
  }
  Object.assign(attributes, modeOf(source.mode));
  if (requestId !== undefined) attributes[ATTR.requestId] = requestId;
  return attributes;
}

/** Said only where nothing is enforced, so that no alert takes what would have been for an outage. */
export function modeOf(mode: Mode): Attributes {
  return mode === 'observe' ? { [ATTR.mode]: 'observe' } : {};
}

/** RFC 9110 and PATCH, as the semantic conventions have it: any other method is whatever a caller made up. */
const KNOWN_METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

function knownMethod(method: string): string {
  return KNOWN_METHODS.has(method) ? method : OTHER;
}

function describe(event: ResilienceEvent, { upstream }: EventSource): Description | undefined {
  switch (event.type) {
    case 'circuit_state_changed':
      return {
        definition: EVENTS.circuitStateChange,
        severity: event.state === 'open' || event.state === 'forced_open' ? 'WARN' : 'INFO',
        message: `circuit breaker ${event.circuit}: ${event.previousState} -> ${event.state} (${event.reason})`,
        attributes: {
          [ATTR.circuitName]: event.circuit,
          [ATTR.circuitState]: event.state,
          [ATTR.circuitPreviousState]: event.previousState,
          [ATTR.transitionReason]: event.reason,
          ...(event.failureRatio !== undefined && { [ATTR.failureRatio]: event.failureRatio }),
        },
      };
    case 'health_changed':
      return {
        definition: EVENTS.upstreamHealthChange,
        severity: event.state === 'unhealthy' ? 'WARN' : 'INFO',
        message: `upstream ${upstream} is ${event.state} (error ratio ${event.errorRatio.toFixed(2)})`,
        attributes: { [ATTR.upstreamState]: event.state, [ATTR.upstreamErrorRatio]: event.errorRatio },
      };
    default:
      return describeCallEvent(event, upstream);
  }
}

type CallEvent = Exclude<ResilienceEvent, { type: 'circuit_state_changed' | 'health_changed' }>;

function describeCallEvent(event: CallEvent, upstream: string): Description | undefined {
  switch (event.type) {
    case 'retry_scheduled':
      return {
        definition: EVENTS.retryScheduled,
        message: `retry ${event.resend} of a call to ${upstream} in ${readableDuration(event.delayMs)} (${event.reason})`,
        attributes: {
          [ATTR.retryReason]: event.reason,
          [ATTR.retryDelay]: event.delayMs / 1000,
          [ATTR.resendCount]: event.resend,
        },
      };
    case 'hedge_sent':
      return {
        definition: EVENTS.hedgeSent,
        message: `hedge ${event.hedge} of a call to ${upstream} sent to ${event.endpoint} after ${readableDuration(event.delayMs)}`,
        attributes: { [ATTR.hedgeEndpoint]: event.endpoint, [ATTR.hedgeDelay]: event.delayMs / 1000 },
      };
    case 'call_rejected':
      return {
        definition: EVENTS.callRejected,
        message: `call to ${upstream} rejected (${event.reason})`,
        attributes: { [ATTR.rejectionReason]: event.reason, [ATTR.errorType]: event.reason },
      };
    case 'call_timed_out':
      return {
        definition: EVENTS.callTimeout,
        message: `${event.scope} timeout of ${readableDuration(event.timeoutMs)} for ${upstream} ran out`,
        attributes: {
          [ATTR.timeoutScope]: event.scope,
          [ATTR.timeoutDuration]: event.timeoutMs / 1000,
          [ATTR.errorType]: 'timeout',
        },
      };
    case 'fallback_used':
      return {
        definition: EVENTS.fallbackUsed,
        message: `call to ${upstream} answered by fallback ${event.source} (instead of ${event.errorType})`,
        attributes: { [ATTR.fallbackSource]: event.source, [ATTR.errorType]: event.errorType },
      };
    case 'call_queued':
      return undefined;
  }
}
