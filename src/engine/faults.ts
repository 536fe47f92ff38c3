import type { CallState } from './call-state.ts';
import type { Attempt } from './exchange.ts';

/** What becomes of a call when code of ours fails: it goes on without us. */

/** Gives back all that is still held, whatever else goes wrong, and judges nothing: the call goes on without us. */
export function abandon(call: CallState, error: unknown): void {
  const { context } = call;
  const nowMs = context.clock.now();
  const attempts = [call.attempt, ...(call.rivals ?? []), call.pending?.kind === 'attempt' ? call.pending : undefined];
  call.phase = 'ended';
  call.reporting = false;
  call.pending = undefined;
  call.timers?.cancelAll();
  context.current = undefined;
  context.fault(error);
  ignoringErrors(call, () => call.bodyObserver?.end(false));
  ignoringErrors(call, () => call.queued?.cancel(nowMs));
  for (const attempt of attempts) ignoringErrors(call, () => attempt?.release('ignored', nowMs));
  while (call.permits?.empty === false) ignoringErrors(call, () => call.permits?.releaseAll('ignored', nowMs));
  ignoringErrors(call, () => leave(call, nowMs));
}

/**
 * The same where no adapter waits for an answer: once an attempt was made, its adapter holds what came of it, and the
 * app gets that; before, a plain attempt is made.
 */
export function recoverFromFault(call: CallState, error: unknown): void {
  const phase = call.phase;
  abandon(call, error);
  // On the wire already, or at its end: it goes on by itself.
  if (phase === 'ended' || phase === 'in_flight' || phase === 'body') return;
  const { exchange } = call;
  const attempt = plainAttempt(call);
  ignoringErrors(call, () => (call.attempts === 0 ? exchange.send(attempt) : exchange.release()));
}

/** Where nothing of an adapter's is above us: a timer, a queue, a promise. */
export function enterFlow(call: CallState, act: () => void): void {
  try {
    act();
  } catch (error) {
    recoverFromFault(call, error);
  }
}

/** What is made where the engine has nothing more to say. */
export function plainAttempt(call: CallState): Attempt {
  return { number: call.attempts + 1, endpoint: call.pipeline.parts.primary };
}

/** Does what must not keep the rest from being done. */
export function ignoringErrors(call: CallState, act: () => void): void {
  try {
    act();
  } catch (error) {
    call.context.fault(error);
  }
}

/** The call is no longer among those under way. */
export function leave(call: CallState, nowMs: number): void {
  if (!call.active) return;
  call.active = false;
  call.pipeline.active--;
  if (call.result !== undefined) call.pipeline.counts.results[call.result]++;
  call.context.listener.callEnded(call, nowMs - call.startedAtMs);
}
