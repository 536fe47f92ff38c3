import type { BodyObserver } from '../../strategies/shared/contract.ts';
import { responseDiscarded } from './abort-errors.ts';
import type { Call } from './call.ts';
import { sentHeader } from './sent-headers.ts';

/**
 * `open`: no outcome yet · `held`: its response waits unread for the engine · `delivering`: the caller is getting its
 * response · `over`: the caller has had its end · `discarded`: nothing it does matters any more.
 */
type State = 'open' | 'held' | 'delivering' | 'over' | 'discarded';

/** What a discarded response may still cost: read on so that its connection is reused, cut it off beyond that. */
const MAX_DRAIN_BYTES = 64 * 1024;
const MAX_DRAIN_MS = 1000;

/** One attempt's handler, as undici sees it; the subclasses speak the two styles. */
export abstract class WireAttempt {
  /** Undici's own request object, when somebody watches them. */
  request: unknown = undefined;

  protected state: State = 'open';
  protected bodyObserver: BodyObserver | undefined = undefined;
  /** Why the attempt was given up before it had a connection. */
  protected givenUp: Error | undefined = undefined;
  /** What came in spite of the pause (a mock does not onResponse it): chunks, then perhaps an end. */
  #heldChunks: Uint8Array[] | undefined = undefined;
  #heldEnd: (() => void) | undefined = undefined;
  #drainedBytes = 0;
  #drainTimer: NodeJS.Timeout | undefined = undefined;

  protected abstract readonly call: Call;

  /** The caller has asked for a pause. */
  abstract awaitsReader(): boolean;
  protected abstract connected(): boolean;
  /** Undici answers with an error report, at once. */
  protected abstract abortWire(reason: Error | undefined): void;
  protected abstract resumeWire(): void;
  /** Hands the head over; false when the caller asked for a pause. */
  protected abstract deliverHead(): boolean;
  protected abstract deliverData(chunk: Uint8Array): boolean;
  protected abstract heldContentLength(): string | undefined;

  sentHeader(name: string): string | undefined {
    return sentHeader(this.request, name);
  }

  /** The engine's time limit before a head. */
  cancel(error: Error): void {
    if (this.state !== 'open') return;
    if (this.connected()) this.abortWire(error);
    if (this.state !== 'open') return;
    // Still waiting for a connection: undici has no way to take it out of its queue. It is aborted when its turn comes.
    this.#giveUp(error);
    this.call.attemptFailed(error);
  }

  /** The engine's time limit on a body. */
  kill(error: Error): void {
    if (this.state !== 'delivering') return;
    this.abortWire(error);
    if (!this.is('delivering')) return;
    this.state = 'discarded';
    this.call.bodyDied(error);
  }

  /** The caller's abort. */
  abort(reason: Error | undefined): void {
    if (this.state === 'held') this.discard();
    if (this.#running() && this.connected()) this.abortWire(reason);
    if (this.#running()) this.#giveUp(reason);
  }

  #running(): boolean {
    return this.state === 'open' || this.state === 'delivering';
  }

  #giveUp(error: Error | undefined): void {
    this.state = 'discarded';
    this.givenUp = error;
    this.call.body?.leaveBehind();
  }

  /** The caller gets the held response, as if nothing had happened. */
  release(): void {
    if (this.state !== 'held') return;
    this.state = 'delivering';
    try {
      let flowing = this.deliverHead();
      for (const chunk of this.#heldChunks ?? []) if (this.is('delivering')) flowing = this.deliverData(chunk);
      if (!this.is('delivering')) return;
      if (this.#heldEnd !== undefined) this.#heldEnd();
      else if (flowing) this.resumeWire();
    } catch (error) {
      // Undici's answer to a handler that throws.
      this.abortWire(error as Error);
      if (!this.is('delivering')) return;
      this.state = 'over';
      this.call.deliverError(error as Error);
    }
  }

  /** Throws a held response away. */
  discard(): void {
    if (this.state !== 'held') return;
    this.state = 'discarded';
    const ended = this.#heldEnd !== undefined;
    this.#heldChunks = undefined;
    this.#heldEnd = undefined;
    if (ended) return;
    const length = this.call.method === 'HEAD' ? 0 : Number(this.heldContentLength() ?? 0);
    if (length > MAX_DRAIN_BYTES) {
      this.abortWire(responseDiscarded());
      return;
    }
    this.#drainTimer = setTimeout(() => this.abortWire(responseDiscarded()), MAX_DRAIN_MS);
    this.#drainTimer.unref();
    this.resumeWire();
  }

  protected holdChunk(chunk: Uint8Array): void {
    this.#heldChunks ??= [];
    this.#heldChunks.push(Buffer.from(chunk));
  }

  protected holdEnd(end: () => void): void {
    this.#heldEnd = end;
  }

  protected drain(bytes: number): void {
    this.#drainedBytes += bytes;
    if (this.#drainedBytes > MAX_DRAIN_BYTES) this.abortWire(responseDiscarded());
  }

  protected drained(): void {
    clearTimeout(this.#drainTimer);
  }

  /** Undici's error report. */
  failed(error: Error): void {
    switch (this.state) {
      case 'open':
        this.state = 'over';
        this.call.attemptFailed(error);
        break;
      case 'delivering':
        this.state = 'over';
        this.call.bodyDied(error);
        break;
      case 'held':
        this.holdEnd(() => this.failed(error));
        break;
      case 'over':
        // The caller's handler threw at the very end; undici tells it so.
        this.call.deliverError(error);
        break;
      case 'discarded':
        this.drained();
        break;
    }
  }

  /** `state`, asked anew after a call that may have changed it. */
  protected is(state: State): boolean {
    return this.state === state;
  }
}
