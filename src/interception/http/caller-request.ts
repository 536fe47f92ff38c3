import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { BodyRecorder } from './body-recorder.ts';
import { internals, type WriteCallback } from './internals.ts';
import { destroyPlain, giveSocket } from './prototype-patches.ts';
import { type HeadOverlay, replaceHead } from './request-head.ts';
import { rearm } from './reset-for-resend.ts';
import { guardErrorListeners } from './socket-guard.ts';
import type { SubstituteSocket } from './substitute.ts';

/**
 * The request in the caller's hands, as something that can be sent more than once: what it wrote is on record, the head
 * of each attempt is laid over its own, and what the app must not see twice is known.
 */
export class CallerRequest {
  readonly request: ClientRequest;
  readonly #recorder: BodyRecorder;
  readonly #keepAlive: boolean;
  #head: string | null = null;
  #overlay: HeadOverlay | undefined = undefined;
  #timeout: { readonly ms: number; readonly callback: (() => void) | null } | undefined = undefined;
  #substitute: SubstituteSocket | undefined = undefined;
  #sent = false;
  #flushed = false;

  constructor(request: ClientRequest, maxReplayBytes: number, defers: () => boolean) {
    this.request = request;
    this.#recorder = new BodyRecorder(maxReplayBytes, defers);
    this.#keepAlive = internals(request).shouldKeepAlive;
  }

  /** Whether all of the request is at hand: either complete, or not begun. */
  get replayable(): boolean {
    return !this.#recorder.overflowed && (internals(this.request).finished || this.#recorder.empty);
  }

  writing(
    data: string | Uint8Array,
    encoding: unknown,
    callback: WriteCallback | undefined,
  ): WriteCallback | undefined {
    return this.#recorder.note(internals(this.request), data, encoding, callback);
  }

  headRendered(): void {
    if (this.#overlay === undefined) return;
    this.#head = internals(this.request)._header;
    if (this.#head !== null) internals(this.request)._header = this.#overlay.apply(this.#head);
  }

  /** Whether the app has seen this already, of an earlier attempt. */
  repeats(type: 'prefinish' | 'finish'): boolean {
    if (type === 'prefinish') {
      const seen = this.#sent;
      this.#sent = true;
      this.#answer();
      return seen;
    }
    const seen = this.#flushed;
    this.#flushed = true;
    return seen;
  }

  /** The failures that were kept from the app's write callbacks are the app's after all. */
  settle(): void {
    this.#recorder.settle();
  }

  /** The attempt may be followed by another: what the app set on its socket has to be set on the next one too. */
  attemptEnding(): void {
    const { socket, timeoutCb } = internals(this.request);
    if (socket?.timeout) this.#timeout = { ms: socket.timeout, callback: timeoutCb };
  }

  /** Back to waiting for a socket, with everything it wrote so far. */
  rearm(): void {
    const state = internals(this.request);
    this.#head ??= state._header;
    this.#overlay = undefined;
    state._headerSent = this.#recorder.headWritten;
    rearm(this.request, state._header === null ? null : this.#head, this.#recorder.replay(), this.#keepAlive);
  }

  /** Sends the request on the socket that `attempt` was given, under that one's head. */
  connect(attempt: ClientRequest, overlay: HeadOverlay, socket: Socket | null | undefined, error?: Error | null): void {
    const state = internals(this.request);
    state.reusedSocket = internals(attempt).reusedSocket;
    state.agent = internals(attempt).agent;
    this.#overlay = overlay;
    if (state._header !== null) {
      this.#head ??= state._header;
      replaceHead(this.request, overlay.apply(this.#head));
    }
    giveSocket(this.request, socket, error);
  }

  /** The app and Node have seen the socket: the time limit the app set on the last one is renewed. */
  socketSeen(socket: Socket): void {
    if (this.#substitute !== undefined && this.#expectsContinue()) this.#answer();
    guardErrorListeners(socket);
    const timeout = this.#timeout;
    if (timeout === undefined) return;
    const { callback, ms } = timeout;
    if (callback !== null && !socket.listeners('timeout').includes(callback)) socket.once('timeout', callback);
    if (!socket.timeout) socket.setTimeout(ms);
  }

  /** Has the request answered by `socket` as soon as it is sent, however much of it there is still to come. */
  answerBy(socket: SubstituteSocket): void {
    this.#substitute = socket;
    giveSocket(this.request, socket);
  }

  #answer(): void {
    const substitute = this.#substitute;
    if (substitute !== undefined) process.nextTick(() => substitute.answer());
  }

  #expectsContinue(): boolean {
    return /\r\nexpect: /i.test(internals(this.request)._header ?? '');
  }

  /** Ends the request, which has no socket, with an error; without one, as Node does when an app destroys a request. */
  end(error: Error | undefined): void {
    destroyPlain(this.request, error);
    giveSocket(this.request, undefined);
  }
}
