import type { Attempt, Disposition, ExchangeListener } from '../../engine/exchange.ts';
import type { BodyObserver, ResponseHead } from '../../strategies/shared/contract.ts';
import { CallRequest } from './call-request.ts';

/**
 * What a call reports to the engine, and in the end to its caller. A failure of the engine or of ours is reported and
 * otherwise changes nothing for the caller.
 */
export abstract class CallReports extends CallRequest {
  listener!: ExchangeListener;
  protected current!: Attempt;
  /** The caller has left by itself, or threw in our face: nothing it does says anything of the upstream. */
  left = false;
  /** The caller has been told the end, or is being told. */
  ended = false;

  protected abstract tellError(error: Error): void;

  judgeHead(head: ResponseHead): Disposition {
    try {
      return this.listener.onHead(this.current, head);
    } catch (error) {
      this.report(error);
      return 'deliver';
    }
  }

  proceed(): void {
    try {
      this.listener.proceed();
    } catch (error) {
      this.report(error);
      if (!this.ended) this.deliverError(error as Error);
    }
  }

  protected judgeError(error: Error): Disposition {
    try {
      return this.listener.onError(this.current, error);
    } catch (failure) {
      this.report(failure);
      return 'deliver';
    }
  }

  deliverError(error: Error): void {
    this.ended = true;
    this.tellError(error);
  }

  /** The delivered body is complete. */
  bodyEnded(): void {
    this.ended = true;
    try {
      this.listener.onBodyEnd();
    } catch (error) {
      this.report(error);
    }
  }

  /** The delivered body died, unless it was the caller who ended it. */
  bodyDied(error: Error): void {
    if (!this.left && this.isOwnFault(error)) this.leave();
    if (!this.left) this.guarded(() => this.listener.onBodyError(error));
    this.deliverError(error);
  }

  /** The connection became the caller's, or the other side refused that. */
  upgraded(status: number): void {
    this.guarded(() => this.listener.onUpgrade(this.current, status));
  }

  /** Shows a chunk of the delivered body to whoever looks on. */
  show(tap: BodyObserver, chunk: Uint8Array): void {
    try {
      tap.chunk(chunk);
    } catch (error) {
      this.report(error);
    }
  }

  /** The caller gave up, or its own code failed. */
  leave(): void {
    if (this.left) return;
    this.left = true;
    this.guarded(() => this.listener.onAbort());
  }

  /** Runs what may call the caller's handler from a stack of ours, where a throw of the handler has nowhere to go. */
  protected guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.report(error);
    }
  }
}
