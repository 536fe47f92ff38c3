import type { ResponseHead } from '../strategies/shared/contract.ts';
import type { Attempt, Disposition } from './exchange.ts';
import { Execution } from './execution.ts';

/**
 * One call, as adapters get to see it: whatever fails in here, a strategy or a listener, the call goes on as without us
 * (DESIGN §1.1), what it held is given back, and the fault is told once. What has no adapter above it (timers, queues,
 * promises) is guarded where it begins.
 */
export class GuardedExecution extends Execution {
  override begin(): Attempt | undefined {
    try {
      return super.begin();
    } catch (error) {
      this.abandon(error);
      // Nothing has been sent: the adapter makes the call, and all it reports from now on is delivered.
      return this.plainAttempt();
    }
  }

  override proceed(): void {
    try {
      super.proceed();
    } catch (error) {
      this.rescue(error);
    }
  }

  override withAttemptContext(send: () => void): void {
    let sent = false;
    const sendOnce = (): void => {
      sent = true;
      send();
    };
    try {
      super.withAttemptContext(sendOnce);
    } catch (error) {
      // What `send` itself throws is the client's own complaint.
      if (sent) throw error;
      this.context.fault(error);
    }
    if (!sent) send();
  }

  override onHead(attempt: Attempt, head: ResponseHead): Disposition {
    try {
      return super.onHead(attempt, head);
    } catch (error) {
      this.abandon(error);
      return 'deliver';
    }
  }

  override onError(attempt: Attempt, error: Error): Disposition {
    try {
      return super.onError(attempt, error);
    } catch (fault) {
      this.abandon(fault);
      return 'deliver';
    }
  }

  override onBodyEnd(): void {
    try {
      super.onBodyEnd();
    } catch (error) {
      this.abandon(error);
    }
  }

  override onBodyError(error: Error | undefined): void {
    try {
      super.onBodyError(error);
    } catch (fault) {
      this.abandon(fault);
    }
  }

  override onUpgrade(attempt: Attempt, status: number): void {
    try {
      super.onUpgrade(attempt, status);
    } catch (error) {
      this.abandon(error);
    }
  }

  override onAbort(): void {
    try {
      super.onAbort();
    } catch (error) {
      this.abandon(error);
    }
  }
}
