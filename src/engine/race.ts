import type { AttemptState } from './attempt-state.ts';
import { judge } from './attempts.ts';
import { countHedge } from './call-events.ts';
import type { CallState } from './call-state.ts';
import { awaitNextDue, inFlight } from './deadlines.ts';
import type { Disposition } from './exchange.ts';
import { timeHead } from './head-latency.ts';

/*
 * Several attempts of one call in flight. `call.attempt` is the youngest, `call.rivals` are the others; as soon as there is
 * one left, the call is what it always was. The first head that is no failure wins.
 */

/** One of several failed: the others decide. */
export function dropOut(call: CallState, attempt: AttemptState, nowMs: number): Disposition {
  countHedge(call, attempt, 'failed');
  const left = inFlight(call).filter((other) => other !== attempt);
  settleOn(call, left.pop(), left);
  awaitNextDue(call, nowMs);
  return 'discard';
}

/** The app gets what came of this one; what the others would have brought says nothing. */
export function win(call: CallState, winner: AttemptState, nowMs: number): void {
  countHedge(call, winner, 'won');
  const losers = inFlight(call).filter((other) => other !== winner);
  settleOn(call, winner, []);
  for (const loser of losers) lose(call, loser, nowMs);
}

/** The call ends while several are in flight. */
export function endRivals(call: CallState, nowMs: number): void {
  const rivals = call.rivals ?? [];
  call.rivals = undefined;
  for (const rival of rivals) lose(call, rival, nowMs);
}

function lose(call: CallState, loser: AttemptState, nowMs: number): void {
  // It would have taken longer still: without it the slow ones would be missing from what is known of latencies.
  if (!loser.hedge) timeHead(call, loser, 'success', nowMs);
  countHedge(call, loser, 'lost');
  judge(call, loser, 'ignored', nowMs);
}

function settleOn(call: CallState, attempt: AttemptState | undefined, rivals: AttemptState[]): void {
  call.attempt = attempt;
  call.rivals = rivals.length === 0 ? undefined : rivals;
  if (attempt !== undefined) call.endpoint = attempt.endpoint;
}
