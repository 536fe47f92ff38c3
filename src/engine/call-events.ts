import type { FallbackSource, Rejection } from '../strategies/shared/contract.ts';
import type { AttemptState } from './attempt-state.ts';
import type { CallState } from './call-state.ts';
import type { HedgeOutcome, ResilienceEvent } from './events.ts';
import { count } from './pipeline.ts';

/** What is reported of one call: to the listener, and in the counts of its pipeline. */

export function emit(call: CallState, event: ResilienceEvent): void {
  call.reported = true;
  call.context.listener.event(event, call.pipeline, call);
}

export function emitRejection(call: CallState, rejection: Rejection): void {
  const { reason } = rejection;
  const { counts } = call.pipeline;
  call.rejection = rejection;
  counts.rejections = count(counts.rejections, reason);
  emit(call, { type: 'call_rejected', reason });
}

/** A retry that is sent, or would be. */
export function countRetry({ pipeline: { counts } }: CallState, reason: string): void {
  const retries: Partial<Record<string, number>> = count<string>(counts.retries, reason);
  counts.retries = retries as Record<string, number>;
}

/** What has become of an attempt, if it is a hedge; counted once. */
export function countHedge({ pipeline: { counts } }: CallState, attempt: AttemptState, outcome: HedgeOutcome): void {
  if (!attempt.hedge) return;
  attempt.hedge = false;
  counts.hedges = count(counts.hedges, outcome);
}

/** The intention: a retry is counted when it is sent, for something may come in between. */
export function emitRetry(call: CallState, reason: string, delayMs: number): void {
  emit(call, { type: 'retry_scheduled', reason, delayMs, resend: call.attempts });
}

export function emitFallback(call: CallState, source: FallbackSource, errorType: string): void {
  const { counts } = call.pipeline;
  counts.fallbacks = count(counts.fallbacks, source);
  emit(call, { type: 'fallback_used', source, errorType });
}
