import { formatHostPort } from '../../common/authority.ts';
import type { Clock } from '../../common/clock.ts';
import { formatDuration } from '../../common/duration.ts';
import type { CallInfo, CallProgress, Outcome, Substitute } from '../shared/contract.ts';
import { BadAnswer, HandlerAnswerReader } from './handler-answer.ts';
import type { FallbackHandler, FallbackRequest } from './options.ts';
import { limitWithin, TOO_LATE, within } from './time-limit.ts';

export interface HandlerCall {
  readonly progress: CallProgress;
  readonly outcome: Outcome;
  readonly nowMs: number;
}

export interface HandlerContext {
  readonly clock: Clock;
  /** Told what the handler did wrong, as the rest of a sentence about it. */
  readonly blame: (fault: string) => void;
}

/**
 * Asks the app's own handler. Never rejects: whatever goes wrong in there is told, and means that there is no answer, so
 * that the outcome itself stands.
 */
export async function askHandler(
  handler: FallbackHandler,
  { progress, outcome, nowMs }: HandlerCall,
  { clock, blame }: HandlerContext,
): Promise<Substitute | undefined> {
  const reader = new HandlerAnswerReader(progress.call.method);
  const ms = limitWithin(progress.remainingMs(nowMs));
  try {
    const asked = answerOf(handler, requestOf(progress), outcome, reader);
    const answer = await within(asked, { ms, clock, holdsProcess: true });
    if (answer !== TOO_LATE) return answer;
    reader.cancel();
    blame(`gave no answer within ${formatDuration(Math.ceil(ms))}`);
  } catch (error) {
    blame(faultOf(error));
  }
  return undefined;
}

/** Of what the handler threw, as opposed to what is wrong with its answer. */
class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Async, so that what the handler throws is a rejection too. */
async function answerOf(
  handler: FallbackHandler,
  request: FallbackRequest,
  outcome: Outcome,
  reader: HandlerAnswerReader,
): Promise<Substitute | undefined> {
  let answer: unknown;
  try {
    answer = await handler(request, outcome);
  } catch (error) {
    throw new Thrown(error);
  }
  return reader.read(answer);
}

function faultOf(error: unknown): string {
  if (error instanceof BadAnswer) return `returned ${error.message}`;
  if (error instanceof Thrown) return `threw ${textOf(error.error)}`;
  return `returned a response that cannot be read (${textOf(error)})`;
}

/** An app may throw anything, also what cannot be made a text. */
function textOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'something that is no text';
  }
}

function requestOf(progress: CallProgress): FallbackRequest {
  const { call, upstream } = progress;
  return { method: call.method, url: urlOf(call), upstream, params: progress.patternGroups() };
}

function urlOf({ protocol, host, port, path }: CallInfo): string {
  const url = `${protocol}//${formatHostPort(host, port)}${path}`;
  // Leaves a default port out; a socket's path is no host of a URL and stays as it is.
  return URL.canParse(url) ? new URL(url).href : url;
}
