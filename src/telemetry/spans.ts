import {
  type Context,
  context,
  type Link,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api';
import type { ObservedCall } from '../engine/events.ts';
import { describeSource } from './event-record.ts';
import { ATTR, EXECUTION_SPAN } from './names.ts';
import type { TracerSource } from './providers.ts';
import { currentRequestId, requestIdIn } from './request-context.ts';

/**
 * Kept in `call.scope` of a call that has something to tell. All other calls keep the caller's bare context there, which
 * costs no allocation.
 */
export class CallTrace {
  readonly caller: Context;
  readonly requestId: string | undefined;
  /** The caller's context, with our span once there is one. */
  context: Context;
  span: Span | undefined;

  /** Why the call failed, for people, where more is known than its error type. */
  explanation: string | undefined;

  constructor(caller: Context, requestId: string | undefined, call: ObservedCall) {
    this.caller = caller;
    this.requestId = requestId ?? requestIdIn(caller) ?? requestIdOfServerSpan(caller) ?? requestIdOfCall(call);
    this.context = caller;
  }
}

/** The context that what happens to the call belongs to: with our span if there is one, else the caller's. */
export function contextOf(call: ObservedCall): Context {
  const scope = call.scope;
  if (scope instanceof CallTrace) return scope.context;
  return (scope as Context | undefined) ?? context.active();
}

/** One INTERNAL span for each call of which there is something to tell. */
export class CallSpans {
  readonly #source: TracerSource;

  constructor(source: TracerSource) {
    this.#source = source;
  }

  /** Notes who calls. On the path of every call. */
  note(call: ObservedCall): void {
    const caller = context.active();
    const requestId = currentRequestId();
    if (requestId === undefined && !call.mayResend) {
      call.scope = caller;
      return;
    }
    const noted = new CallTrace(caller, requestId, call);
    call.scope = noted;
    if (call.mayResend) this.#open(noted, call);
  }

  /** There is something to tell of the call: opens its span, back-dated to its start, if an SDK is there. */
  ensureSpan(call: ObservedCall): void {
    const scope = call.scope as CallTrace | Context | undefined;
    if (scope === undefined) return; // it has ended: a span opened now would never end
    if (scope instanceof CallTrace) {
      if (scope.span === undefined) this.#open(scope, call);
      return;
    }
    const noted = new CallTrace(scope, undefined, call);
    call.scope = noted;
    this.#open(noted, call);
  }

  /** Notes why the call is being refused, in the words of the error that the app may see. */
  explainRejection(call: ObservedCall): void {
    const scope = call.scope;
    if (!(scope instanceof CallTrace && scope.span?.isRecording())) return;
    scope.explanation = call.rejection?.toError().message;
  }

  end(call: ObservedCall): void {
    const scope = call.scope;
    if (!(scope instanceof CallTrace)) {
      call.scope = undefined;
      return;
    }
    const span = scope.span;
    if (span === undefined) return;
    if (span.isRecording()) describeEnd(span, call, scope.explanation);
    span.end();
  }

  #open(noted: CallTrace, call: ObservedCall): void {
    const tracer = this.#source.tracer();
    if (tracer === undefined) return;
    const startTime = notBefore(trace.getSpan(noted.caller), wallClock(call.startedAtMs));
    const options = { kind: SpanKind.INTERNAL, startTime, links: linksOf(call, noted.caller) };
    const span = tracer.startSpan(`${EXECUTION_SPAN.name} ${call.policy}`, options, noted.caller);
    noted.span = span;
    noted.context = trace.setSpan(noted.caller, span);
    if (span.isRecording()) span.setAttributes(describeSource(call, call, noted.requestId));
  }
}

function describeEnd(span: Span, call: ObservedCall, explanation: string | undefined): void {
  span.setAttribute(ATTR.attemptCount, call.attempts);
  if (call.result !== undefined) span.setAttribute(ATTR.outcome, call.result);
  if (call.errorType !== undefined) span.setAttribute(ATTR.errorType, call.errorType);
  if (call.fallbackSource !== undefined) span.setAttribute(ATTR.fallbackSource, call.fallbackSource);
  const failed = call.result === 'failure' || call.result === 'rejected';
  // A caller that gave up has seen no failure.
  if (!failed || call.errorType === 'aborted') return;
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: (call.result === 'rejected' ? explanation : undefined) ?? failureOf(call),
  });
}

function failureOf({ upstream, errorType, attempts }: ObservedCall): string {
  const repeated = attempts > 1 ? ` after ${attempts} attempts` : '';
  return `call to ${upstream} failed (${errorType})${repeated}`;
}

/**
 * The epoch time of a reading of the engine's clock, in whole milliseconds like the start of SDK spans, and never later
 * than the start of a span that began in between. Taken from the wall clock of now: `performance.timeOrigin` is that of
 * the start of the process, from which the wall clock may have been set off since.
 */
function wallClock(monotonicMs: number): number {
  return Math.floor(Date.now() - (performance.now() - monotonicMs));
}

/** The start of a span that is made by readings of two clocks, and so might come out as earlier than its parent's. */
function notBefore(parent: Span | undefined, epochMs: number): number {
  const start = (parent as { startTime?: unknown } | undefined)?.startTime;
  if (!Array.isArray(start)) return epochMs;
  return Math.max(epochMs, Number(start[0]) * 1e3 + Math.ceil(Number(start[1]) / 1e6)) || epochMs;
}

/**
 * A call made outside any span whose first attempt has begun: the attempt's CLIENT span is the root of a trace by now, and
 * ours the root of another. It cannot be the child of that span, which began after it and may end before it. The trace
 * headers that were sent say which span it is, so that ours can link to it.
 */
function linksOf(call: ObservedCall, caller: Context): Link[] {
  if (trace.getSpanContext(caller) !== undefined || call.mayResend) return [];
  const sent = trace.getSpanContext(propagation.extract(caller, call, SENT_HEADERS));
  // Not remote: that span is of this process.
  return sent === undefined ? [] : [{ context: { ...sent, isRemote: false } }];
}

const SENT_HEADERS: TextMapGetter<ObservedCall> = {
  get: (call, key) => call.sentHeader(key.toLowerCase()),
  keys: () => [],
};

/** As captured on the server span by instrumentation-http's `headersToSpanAttributes`. */
const CAPTURED_REQUEST_ID = 'http.request.header.x-request-id';

const REQUEST_ID_HEADER = 'x-request-id';
const MAX_REQUEST_ID_LENGTH = 256;

/** The app tells the upstream what it calls the request: no nearer name is known. */
function requestIdOfCall(call: ObservedCall): string | undefined {
  return call.header(REQUEST_ID_HEADER)?.slice(0, MAX_REQUEST_ID_LENGTH) || undefined;
}

function requestIdOfServerSpan(caller: Context): string | undefined {
  const server = trace.getSpan(caller) as { attributes?: Record<string, unknown> } | undefined;
  const captured = server?.attributes?.[CAPTURED_REQUEST_ID];
  const id: unknown = Array.isArray(captured) ? captured[0] : captured;
  return typeof id === 'string' ? id : undefined;
}
