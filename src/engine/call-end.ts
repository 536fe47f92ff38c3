import { TimeoutError } from '../errors.ts';
import type { Outcome, Verdict } from '../strategies/shared/contract.ts';
import { judge, settleHealth } from './attempts.ts';
import { watchBody } from './body-watch.ts';
import { countHedge, emit, emitFallback } from './call-events.ts';
import type { CallState } from './call-state.ts';
import type { CallResult } from './events.ts';
import { ignoringErrors, leave } from './faults.ts';
import { endRivals } from './race.ts';

/** How a call begins and ends: what it holds in between is given back here. */

const ENDPOINT_HEADERS = [['resilience-source', 'endpoint']] as const;

export function openCall(call: CallState, nowMs: number): void {
  const { pipeline } = call;
  call.startedAtMs = nowMs;
  pipeline.active++;
  call.active = true;
  pipeline.lastUsedMs = nowMs;
  call.context.listener.callStarted(call);
  pipeline.parts.budget?.deposit(nowMs);
}

/** The app gets this response; the call goes on until its body has ended. */
export function deliver(call: CallState, { verdict, head }: Outcome & { kind: 'response' }, nowMs: number): void {
  call.phase = 'body';
  call.timers?.cancelAll();
  const failed = verdict === 'failure';
  call.result = failed ? 'failure' : 'success';
  if (failed) call.errorType = String(head.status);
  if (call.endpoint.target !== undefined) {
    call.addedResponseHeaders = ENDPOINT_HEADERS;
    if (!failed) {
      call.result = 'fallback';
      call.fallbackSource = 'endpoint';
      emitFallback(call, 'endpoint', call.attempt?.replaces ?? '');
    }
  }
  settleHealth(call);
  call.bodyObserver = watchBody(call, call.pipeline.parts, call.context.clock, {
    head,
    nowMs,
    awaitsReader: () => call.exchange.awaitsReader(),
    onIdle: (idleMs) => ignoringErrors(call, () => onIdleTimeout(call, idleMs)),
    fault: call.context.fault,
  });
}

function onIdleTimeout(call: CallState, timeoutMs: number): void {
  if (call.phase === 'ended') return;
  emit(call, { type: 'call_timed_out', scope: 'idle', timeoutMs });
  if (call.mode === 'observe') return;
  call.exchange.killBody(new TimeoutError(call.endpoint.name, 'idle', timeoutMs));
}

export function endCall(call: CallState, result: CallResult, error: string | undefined, nowMs: number): void {
  call.result = result;
  call.errorType = error;
  finish(call, nowMs, false);
}

/** The call has ended for the app and on the wire. */
export function finish(call: CallState, nowMs: number, complete: boolean): void {
  call.timers?.cancelAll();
  call.bodyObserver?.end(complete);
  call.phase = 'ended';
  if (call.rivals !== undefined) endRivals(call, nowMs);
  if (call.attempt !== undefined) countHedge(call, call.attempt, 'lost');
  judgeCurrent(call, 'ignored', nowMs);
  settleHealth(call);
  call.permits?.releaseAll(call.primaryVerdict, nowMs);
  leave(call, nowMs);
}

export function judgeCurrent(call: CallState, verdict: Verdict, nowMs: number): void {
  if (call.attempt !== undefined) judge(call, call.attempt, verdict, nowMs);
}
