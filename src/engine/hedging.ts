import type { AttemptState } from './attempt-state.ts';
import { acquireAttempt } from './attempts.ts';
import { emit } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { awaitHedge, awaitNextDue, limitAttempt } from './deadlines.ts';

/** The head is late: another attempt is sent beside the one in flight, if everything speaks for it. */
export function onHedgeDue(call: CallState): void {
  const { hedge } = call.pipeline.parts;
  const { exchange } = call;
  if (hedge === undefined || call.phase !== 'in_flight' || call.attempt === undefined) return;
  const observes = call.mode === 'observe';
  // In observe mode nothing of the request is recorded; whether it could be sent twice is known of what has no content.
  if (observes ? exchange.hasContent() : !exchange.hedgeable()) return;
  const nowMs = call.context.clock.now();
  const endpoint = hedge.place(exchange, nowMs);
  if (endpoint === undefined) return;
  const delayMs = nowMs - call.attempt.startedAtMs;
  if (observes) {
    call.hedges++;
    return emit(call, { type: 'hedge_sent', endpoint: endpoint.name, delayMs, hedge: call.hedges });
  }
  const attempt = acquireAttempt(call, endpoint, nowMs);
  if (attempt.kind === 'rejection') return;
  call.hedges++;
  emit(call, { type: 'hedge_sent', endpoint: endpoint.name, delayMs, hedge: call.hedges });
  launchBeside(call, attempt, nowMs);
}

function launchBeside(call: CallState, attempt: AttemptState, nowMs: number): void {
  const before = call.attempt;
  call.rivals ??= [];
  if (before !== undefined) call.rivals.push(before);
  attempt.hedge = true;
  attempt.startedAtMs = nowMs;
  call.attempt = attempt;
  call.endpoint = attempt.endpoint;
  call.attempts = attempt.number;
  limitAttempt(call, attempt, nowMs);
  awaitNextDue(call, nowMs);
  awaitHedge(call, nowMs);
  call.exchange.hedge(attempt);
}
