import type { BodyObserver, ResponseHead } from '../strategies/shared/contract.ts';
import { type CallContext, CallState } from './call-state.ts';
import { proceed } from './carry-out.ts';
import type { Attempt, Disposition, Exchange, ExchangeListener } from './exchange.ts';
import { abandon, plainAttempt, recoverFromFault } from './faults.ts';
import { onHedgeDue } from './hedging.ts';
import type { Pipeline } from './pipeline.ts';
import { onAttemptTimeout, onTotalTimeout, tryAgain } from './reactions.ts';
import { onAbort, onBodyEnd, onBodyError, onError, onHead, onUpgrade } from './reports.ts';
import type { DeadlineKind, DeadlineOwner } from './timers.ts';
import { begin } from './way-in.ts';

/**
 * One call, as adapters get to see it: the shield around what is done with it. Whatever fails in there, a strategy or a listener of
 * ours, the call goes on as without us, what it held is given back, and the fault is reported once. What has no adapter
 * above it (timers, queues, promises) is shielded where it enters.
 */
export class Execution implements ExchangeListener, DeadlineOwner {
  readonly call: CallState;

  constructor(context: CallContext, pipeline: Pipeline, exchange: Exchange) {
    this.call = new CallState({ context, pipeline, exchange }, this);
  }

  get addedResponseHeaders(): ReadonlyArray<readonly [string, string]> | undefined {
    return this.call.addedResponseHeaders;
  }

  get bodyObserver(): BodyObserver | undefined {
    return this.call.bodyObserver;
  }

  get needsAttemptContext(): boolean {
    const { call } = this;
    return call.reported || call.mayResend;
  }

  begin(): Attempt | undefined {
    try {
      return begin(this.call);
    } catch (error) {
      abandon(this.call, error);
      // Nothing has been sent: the adapter makes the call, and all it reports from now on is delivered.
      return plainAttempt(this.call);
    }
  }

  proceed(): void {
    try {
      proceed(this.call);
    } catch (error) {
      recoverFromFault(this.call, error);
    }
  }

  withAttemptContext(send: () => void): void {
    const { call } = this;
    let sent = false;
    const sendOnce = (): void => {
      sent = true;
      send();
    };
    try {
      call.context.listener.attempt(call, call.attempts, sendOnce);
    } catch (error) {
      // What `send` itself throws is the client's own complaint.
      if (sent) throw error;
      call.context.fault(error);
    }
    if (!sent) send();
  }

  onHead(attempt: Attempt, head: ResponseHead): Disposition {
    try {
      return onHead(this.call, attempt, head);
    } catch (error) {
      abandon(this.call, error);
      return 'deliver';
    }
  }

  onError(attempt: Attempt, error: Error): Disposition {
    try {
      return onError(this.call, attempt, error);
    } catch (fault) {
      abandon(this.call, fault);
      return 'deliver';
    }
  }

  onBodyEnd(): void {
    try {
      onBodyEnd(this.call);
    } catch (error) {
      abandon(this.call, error);
    }
  }

  onBodyError(error: Error | undefined): void {
    try {
      onBodyError(this.call, error);
    } catch (fault) {
      abandon(this.call, fault);
    }
  }

  onUpgrade(attempt: Attempt, status: number): void {
    try {
      onUpgrade(this.call, attempt, status);
    } catch (error) {
      abandon(this.call, error);
    }
  }

  onAbort(): void {
    try {
      onAbort(this.call);
    } catch (error) {
      abandon(this.call, error);
    }
  }

  deadlineReached(kind: DeadlineKind): void {
    try {
      if (kind === 'pause') tryAgain(this.call);
      else if (kind === 'attempt') onAttemptTimeout(this.call);
      else if (kind === 'hedge') onHedgeDue(this.call);
      else onTotalTimeout(this.call);
    } catch (error) {
      recoverFromFault(this.call, error);
    }
  }
}
