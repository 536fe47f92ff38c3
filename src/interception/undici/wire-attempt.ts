import type { Attempt } from '../../engine/exchange.ts';
import type { BodyObserver } from '../../strategies/shared/contract.ts';
import { responseDiscarded } from './abort-errors.ts';
import type { Call } from './call.ts';
import type { WireHead, WireLink } from './caller-side.ts';
import { sentHeader } from './sent-headers.ts';

/**
 * `open`: no outcome yet · `held`: its response waits unread for the engine · `delivering`: the caller is getting its
 * response · `over`: the caller has had its end · `discarded`: nothing it does matters any more.
 */
type State = 'open' | 'held' | 'delivering' | 'over' | 'discarded';

/** What a discarded response may still cost: read on so that its connection is reused, cut it off beyond that. */
const MAX_DRAIN_BYTES = 64 * 1024;
const MAX_DRAIN_MS = 1000;

/** One attempt of a call, as undici reports it, whatever the style of its handler. */
export class WireAttempt {
  readonly call: Call;
  readonly attempt: Attempt;
  /** Undici's own request object, when somebody watches them. */
  request: unknown = undefined;

  #state: State = 'open';
  #link: WireLink | undefined = undefined;
  /** The caller has its handle from this attempt: it hears of every start undici makes of it. */
  #startedCaller = false;
  #observer: BodyObserver | undefined = undefined;
  /** Why the attempt was given up before it had a connection. */
  #givenUp: Error | undefined = undefined;
  #abortedByUs = false;
  #head: WireHead | undefined = undefined;
  /** What came in spite of the pause (a mock does not heed it): chunks, then perhaps an end. */
  #heldChunks: Uint8Array[] | undefined = undefined;
  #heldEnd: (() => void) | undefined = undefined;
  /** What the caller last said to a piece of the response. */
  #flows = true;
  #drainedBytes = 0;
  #drainTimer: NodeJS.Timeout | undefined = undefined;

  constructor(call: Call, attempt: Attempt) {
    this.call = call;
    this.attempt = attempt;
  }

  /** Nothing has come of it yet. */
  isOpen(): boolean {
    return this.#state === 'open';
  }

  /** It is on a connection, and nothing has come of it yet. */
  isWaitingForHead(): boolean {
    return this.#state === 'open' && this.#link !== undefined;
  }

  sentHeader(name: string): string | undefined {
    return sentHeader(this.request, name);
  }

  // ── what undici reports ───────────────────────────────────────────────────────────────────────────────────────────

  /** Has a connection; again with another link if undici starts over on another connection. */
  connected(link: WireLink, context: unknown): void {
    const { call } = this;
    this.#link = link;
    if (this.#state === 'discarded') {
      this.#abortWire(this.#givenUp);
      return;
    }
    call.body?.begin();
    if (call.started && !this.#startedCaller) return;
    this.#startedCaller = true;
    call.startCaller(link, context);
  }

  upgraded(status: number, headers: unknown, socket: unknown): unknown {
    const { call } = this;
    this.#state = 'over';
    call.upgraded(this.attempt, status);
    // Not over before the caller has taken it: over HTTP/2 it is the caller who refuses a bad status, by an abort.
    const result = call.caller.upgrade(status, headers, socket);
    call.ended = true;
    return result;
  }

  /** Whether undici may go on reading at once. */
  head(head: WireHead): boolean {
    const { call } = this;
    if (this.#state !== 'open') return true;
    if (head.status < 200) return this.#pass(head);
    if (call.upgrade) {
      this.#state = 'over';
      call.upgraded(this.attempt, head.status);
      return this.#pass(head);
    }
    const disposition = call.attemptAnswered(this, head);
    if (disposition === 'deliver') {
      this.#state = 'delivering';
      return this.#deliver(head);
    }
    this.#state = 'held';
    this.#head = head.kept();
    if (disposition === 'discard') {
      this.discard();
      return true;
    }
    call.holds();
    // Still held: pause. Else what was decided has been carried out; a pause would stop what it set in motion.
    if (this.#is('held')) return false;
    return !this.#is('delivering') || this.#flows;
  }

  data(chunk: Uint8Array): boolean {
    switch (this.#state) {
      case 'held':
        this.#heldChunks ??= [];
        this.#heldChunks.push(Buffer.from(chunk));
        return false;
      case 'discarded':
        this.#drainedBytes += chunk.byteLength;
        if (this.#drainedBytes > MAX_DRAIN_BYTES) this.#abortWire(responseDiscarded());
        return true;
      default:
        return this.#passData(chunk);
    }
  }

  end(trailers: unknown): void {
    const { call } = this;
    switch (this.#state) {
      case 'held':
        this.#heldEnd = () => this.end(trailers);
        return;
      case 'discarded':
        clearTimeout(this.#drainTimer);
        return;
      case 'delivering':
        this.#state = 'over';
        call.bodyEnded();
        break;
    }
    call.caller.end(trailers);
  }

  /** `aborted`: by the controller of this attempt. If not by us, then by the caller that was given it. */
  failed(error: Error, aborted: boolean): void {
    const { call } = this;
    if (aborted && !this.#abortedByUs) call.callerAborted();
    switch (this.#state) {
      case 'open':
        this.#state = 'over';
        call.attemptFailed(this, error);
        break;
      case 'delivering':
        this.#state = 'over';
        call.bodyDied(error);
        break;
      case 'held':
        this.#heldEnd = () => this.failed(error, false);
        break;
      case 'over':
        // The caller's handler threw at the very end; undici tells it so.
        call.deliverError(error);
        break;
      case 'discarded':
        clearTimeout(this.#drainTimer);
        break;
    }
  }

  // ── what the call asks for ────────────────────────────────────────────────────────────────────────────────────────

  /** The engine's time limit before a head. */
  cancel(error: Error): void {
    if (this.#state !== 'open') return;
    this.#abortWire(error);
    if (!this.#is('open')) return;
    // Still waiting for a connection: undici has no way to take it out of its queue. It is aborted when its turn comes.
    this.#giveUp(error);
    this.call.attemptFailed(this, error);
  }

  /** The engine's time limit on a body. */
  kill(error: Error): void {
    if (this.#state !== 'delivering') return;
    this.#abortWire(error);
    if (!this.#is('delivering')) return;
    this.#state = 'discarded';
    this.call.bodyDied(error);
  }

  /** Another attempt is what becomes of the call. */
  abandon(reason: Error | undefined): void {
    if (this.#state !== 'open') return;
    this.#giveUp(reason);
    this.#abortWire(reason);
  }

  /** The caller's abort. */
  abort(reason: Error | undefined): void {
    if (this.#state === 'held') this.discard();
    if (this.#isRunning() || this.#state === 'over') this.#abortWire(reason);
    if (this.#isRunning()) this.#giveUp(reason);
  }

  /** The caller gets the held response, as if nothing had happened. */
  release(): void {
    const head = this.#head;
    if (this.#state !== 'held' || head === undefined) return;
    this.#head = undefined;
    this.#state = 'delivering';
    try {
      this.#deliver(head);
      for (const chunk of this.#heldChunks ?? []) if (this.#is('delivering')) this.#passData(chunk);
      if (!this.#is('delivering')) return;
      if (this.#heldEnd !== undefined) this.#heldEnd();
      else if (this.#flows) this.#link?.resume();
    } catch (error) {
      // Undici's answer to a handler that throws.
      this.#abortWire(error as Error);
      if (!this.#is('delivering')) return;
      this.#state = 'over';
      this.call.deliverError(error as Error);
    }
  }

  /** Throws a held response away. */
  discard(): void {
    if (this.#state !== 'held') return;
    this.#state = 'discarded';
    const ended = this.#heldEnd !== undefined;
    const length = this.call.method === 'HEAD' ? 0 : Number(this.#head?.header('content-length') ?? 0);
    this.#head = undefined;
    this.#heldChunks = undefined;
    this.#heldEnd = undefined;
    if (ended) return;
    // An upload that goes on for an answer nobody wants is cut off, never ended as if it were whole.
    if (length > MAX_DRAIN_BYTES || this.call.body?.state() === 'growing') {
      this.#abortWire(responseDiscarded());
      return;
    }
    this.#drainTimer = setTimeout(() => this.#abortWire(responseDiscarded()), MAX_DRAIN_MS);
    this.#drainTimer.unref();
    this.#link?.resume();
  }

  // ── the caller's side ─────────────────────────────────────────────────────────────────────────────────────────────

  #deliver(head: WireHead): boolean {
    const { call } = this;
    const { addedResponseHeaders, bodyObserver } = call.listener;
    this.#observer = bodyObserver;
    if (this.#link !== undefined) call.caller.attach(this.#link);
    return this.#pass(addedResponseHeaders === undefined ? head : head.marked(addedResponseHeaders));
  }

  #pass(head: WireHead): boolean {
    try {
      this.#flows = this.call.caller.head(head, this.#observer !== undefined);
      return this.#flows;
    } catch (error) {
      this.call.callerAborted();
      throw error;
    }
  }

  #passData(chunk: Uint8Array): boolean {
    this.#observer?.chunk(chunk);
    try {
      this.#flows = this.call.caller.data(chunk);
      return this.#flows;
    } catch (error) {
      this.call.callerAborted();
      throw error;
    }
  }

  #isRunning(): boolean {
    return this.#state === 'open' || this.#state === 'delivering';
  }

  #giveUp(error: Error | undefined): void {
    this.#state = 'discarded';
    this.#givenUp = error;
    this.call.body?.detach();
  }

  #abortWire(reason: Error | undefined): void {
    this.#abortedByUs = true;
    this.#link?.abort(reason);
  }

  /** `#state`, asked anew after a call that may have changed it. */
  #is(state: State): boolean {
    return this.#state === state;
  }
}
