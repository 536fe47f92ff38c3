import type { BodyObserver, ResponseHead } from '../strategies/shared/contract.ts';
import { CallFlow } from './call-flow.ts';
import type { CallContext, CallState } from './call-state.ts';
import type { Attempt, Disposition, Exchange, ExchangeListener } from './exchange.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * One call, as adapters get to see it: the shield around its flow. Whatever fails in there, a strategy or a listener of
 * ours, the call goes on as without us, what it held is given back, and the fault is reported once. What has no adapter
 * above it (timers, queues, promises) is shielded where it enters the flow.
 */
export class Execution implements ExchangeListener {
  readonly #flow: CallFlow;

  constructor(context: CallContext, pipeline: Pipeline, exchange: Exchange) {
    this.#flow = new CallFlow(context, pipeline, exchange);
  }

  get call(): CallState {
    return this.#flow.call;
  }

  get addedResponseHeaders(): ReadonlyArray<readonly [string, string]> | undefined {
    return this.#flow.addedResponseHeaders;
  }

  get bodyObserver(): BodyObserver | undefined {
    return this.#flow.bodyObserver;
  }

  get needsAttemptContext(): boolean {
    const { call } = this.#flow;
    return call.reported || call.mayResend;
  }

  begin(): Attempt | undefined {
    try {
      return this.#flow.begin();
    } catch (error) {
      this.#flow.abandon(error);
      // Nothing has been sent: the adapter makes the call, and all it reports from now on is delivered.
      return this.#flow.plainAttempt();
    }
  }

  proceed(): void {
    try {
      this.#flow.proceed();
    } catch (error) {
      this.#flow.recoverFromFault(error);
    }
  }

  withAttemptContext(send: () => void): void {
    const { call } = this.#flow;
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
      return this.#flow.onHead(attempt, head);
    } catch (error) {
      this.#flow.abandon(error);
      return 'deliver';
    }
  }

  onError(attempt: Attempt, error: Error): Disposition {
    try {
      return this.#flow.onError(attempt, error);
    } catch (fault) {
      this.#flow.abandon(fault);
      return 'deliver';
    }
  }

  onBodyEnd(): void {
    try {
      this.#flow.onBodyEnd();
    } catch (error) {
      this.#flow.abandon(error);
    }
  }

  onBodyError(error: Error | undefined): void {
    try {
      this.#flow.onBodyError(error);
    } catch (fault) {
      this.#flow.abandon(fault);
    }
  }

  onUpgrade(attempt: Attempt, status: number): void {
    try {
      this.#flow.onUpgrade(attempt, status);
    } catch (error) {
      this.#flow.abandon(error);
    }
  }

  onAbort(): void {
    try {
      this.#flow.onAbort();
    } catch (error) {
      this.#flow.abandon(error);
    }
  }
}
