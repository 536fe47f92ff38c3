import { formatHostPort } from '../../common/authority.ts';
import { systemClock } from '../../common/clock.ts';
import type { CallInfo, CallProgress, Outcome, Substitute } from '../shared/contract.ts';
import { HandlerAnswerReader } from './handler-answer.ts';
import type { FallbackHandler, FallbackRequest } from './options.ts';

/** Longest wait for a handler, where no total timeout ends it earlier. */
const HANDLER_TIMEOUT_MS = 10_000;
/** When the total time is over: enough for a handler that has its answer at hand. */
const HANDLER_GRACE_MS = 100;

export interface HandlerCall {
  readonly progress: CallProgress;
  readonly outcome: Outcome;
  readonly nowMs: number;
}

/**
 * Asks the user's handler. Never rejects: whatever goes wrong in there is reported once, and means that there is no
 * answer, so that the outcome itself stands.
 */
export async function askHandler(
  handler: FallbackHandler,
  { progress, outcome, nowMs }: HandlerCall,
  report: (error: unknown) => void,
): Promise<Substitute | undefined> {
  const limitMs = limitOf(progress.remainingMs(nowMs));
  const reader = new HandlerAnswerReader(progress.call.method);
  // Nothing else holds the process while the handler thinks.
  let giveUp = (): void => {};
  const timer = systemClock.schedule(() => giveUp(), limitMs, true);
  const tooLate = new Promise<never>((_, reject) => {
    giveUp = () => {
      reader.cancel();
      reject(new Error(`fallback handler for ${progress.upstream} gave no answer in the time the call had`));
    };
  });
  try {
    return await Promise.race([answerOf(handler, requestOf(progress), outcome, reader), tooLate]);
  } catch (error) {
    report(error);
    return undefined;
  } finally {
    systemClock.cancel(timer);
  }
}

/** Async, so that what the handler throws is a rejection too. */
async function answerOf(
  handler: FallbackHandler,
  request: FallbackRequest,
  outcome: Outcome,
  reader: HandlerAnswerReader,
): Promise<Substitute | undefined> {
  return reader.read(await handler(request, outcome));
}

function limitOf(remainingMs: number): number {
  return remainingMs > 0 ? Math.min(remainingMs, HANDLER_TIMEOUT_MS) : HANDLER_GRACE_MS;
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
