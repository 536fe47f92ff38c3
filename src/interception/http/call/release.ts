import type { AsyncResource } from 'node:async_hooks';
import type { WireAttempt } from '../attempt/wire-attempt.ts';
import { internals, responseInternals } from '../node-internals/internals.ts';
import { emitPlain } from '../patch/prototype-patches.ts';
import type { CallerRequest } from './caller-request.ts';
import type { HeldError, HeldResponse } from './held-outcome.ts';

/** The call whose outcome was held. */
export interface Released {
  readonly caller: CallerRequest;
  readonly attempt: WireAttempt | undefined;
  /** The context of the caller. */
  readonly context: AsyncResource;
}

/** Shows the app a response that was held, and what has come after it. */
export function emitReleasedResponse(held: HeldResponse, { caller, attempt, context }: Released): void {
  const { request } = caller;
  const { response } = held;
  attempt?.reattach();
  if (held.closed) Object.assign(internals(request), { destroyed: true, _closed: true });
  attempt?.mirror('response', response);
  context.runInAsyncScope(() => {
    held.tell();
    if (!emitPlain(request, 'response', response)) responseInternals(response)._dump();
  });
  process.nextTick(() => {
    if (held.error !== undefined) request.emit('error', held.error);
    held.catchUp();
    if (held.closed) request.emit('close');
  });
}

/** Shows the app an error that was held, and the 'close' that goes with it, unless Node has yet to say so itself. */
export function emitReleasedError(held: HeldError, { caller, attempt, context }: Released): void {
  const { request } = caller;
  const state = internals(request);
  const closed = attempt?.reattach() === true || held.closed;
  context.runInAsyncScope(() => {
    Object.assign(state, { destroyed: held.destroyed, _closed: false });
    caller.body.settle(held.error);
    held.tell();
    // The attempt was never made: nothing of Node's will end the request.
    if (!held.closes && attempt?.isCallers !== true) return caller.end(held.error);
    emitPlain(request, 'error', held.error);
    if (!held.closes || !closed) return;
    Object.assign(state, { destroyed: true, _closed: true });
    emitPlain(request, 'close');
  });
}
