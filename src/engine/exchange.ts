import type { BodyObserver, CallInfo, Endpoint, ResponseHead, Substitute } from '../strategies/shared/contract.ts';

/** One try on the wire. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  readonly endpoint: Endpoint;
}

/**
 * One call of the app, as its adapter presents it to the engine: what the engine can have done to the call, whatever
 * client made it. The engine never calls these from inside a report of the adapter's (`onHead`, `onError`, …): what it
 * decides there is carried out by `proceed`.
 */
export interface Exchange extends CallInfo {
  /**
   * Puts an attempt on the wire: every one but a first attempt that had nothing to wait for. An outcome still held is
   * thrown away: its response is drained or cancelled, so that its socket is reused and its CLIENT span ends. Does not
   * throw; what goes wrong is reported through `onError`.
   */
  send(attempt: Attempt): void;
  /**
   * Whether one more attempt may be sent beside the one in flight: that has its connection and may go on without the
   * caller's hands, and the request can be sent once more in full.
   */
  hedgeable(): boolean;
  /**
   * Puts one more attempt on the wire while others of this call are in flight, if `hedgeable()`. All of them report, by their
   * attempt; see `Disposition`. Does not throw; what goes wrong is reported through `onError`.
   */
  hedge(attempt: Attempt): void;
  /** Ends this attempt, which is in flight, with `error`; the adapter reports that very error through `onError`, now or later. */
  cancel(attempt: Attempt, error: Error): void;
  /** Ends the call: the app sees `error`. No attempt is in flight; an outcome still held is thrown away. */
  fail(error: Error): void;
  /** Ends the call: the app sees this answer. No attempt is in flight; an outcome still held is thrown away. */
  respond(response: Substitute): void;
  /** The app gets the outcome that was held. */
  release(): void;
  /** Whether the delivered body waits for the app to read on: a pause in it is then not the upstream's. */
  awaitsReader(): boolean;
  /** Ends the delivered body with `error`; the adapter reports that very error through `onBodyError`. */
  killBody(error: Error): void;
  /** Whether the request can be sent once more in full. */
  replayable(): boolean;
  /** A header of the attempt in flight or last sent, as the instrumentations below us left it. */
  sentHeader(name: string): string | undefined;
}

/**
 * What the adapter does with an outcome it reported. `deliver`: the app sees it, and whatever other attempts of the call
 * are in flight are ended at once and in silence: their connections closed or given back, their CLIENT spans ended.
 * `hold`: keep it unread, call `proceed()` once that is in order, and await `send`, `respond`, `fail` or `release`.
 * `discard`, only while another attempt is in flight: throw it away, and go on with the others.
 */
export type Disposition = 'deliver' | 'hold' | 'discard';

/** What an adapter drives and reports to, one per call. */
export interface ExchangeListener {
  /** Header fields to add to the response that is delivered. */
  readonly addedResponseHeaders: ReadonlyArray<readonly [name: string, value: string]> | undefined;
  /** To be shown every chunk of the delivered body; read once, when the head has been delivered. */
  readonly bodyObserver: BodyObserver | undefined;
  /**
   * Judges the call. An attempt: the adapter makes it itself, at once. Undefined: it builds what the caller gets,
   * without an attempt, calls `proceed()`, and awaits `send`, `respond` or `fail`.
   */
  begin(): Attempt | undefined;
  /** Carries out what was decided in `begin` or in a report answered with `hold`. */
  proceed(): void;
  /**
   * Whether a span of ours may be there for the CLIENT span of the next attempt to nest in, as for a probe, a call that
   * has waited, or one that may be repeated: then `withAttemptContext` must make the attempt.
   */
  readonly needsAttemptContext: boolean;
  /** Runs what makes an attempt in the context its CLIENT span is to have as a parent. */
  withAttemptContext(send: () => void): void;
  /** The head of a final response (not of a 1xx). */
  onHead(attempt: Attempt, head: ResponseHead): Disposition;
  /** The attempt failed before the app saw a head. */
  onError(attempt: Attempt, error: Error): Disposition;
  /** The delivered body is complete. */
  onBodyEnd(): void;
  /** The delivered body died on the upstream's side, or of `killBody`. */
  onBodyError(error: Error | undefined): void;
  /** The connection became the app's own (upgrade, CONNECT), or the other side refused that with this status. */
  onUpgrade(attempt: Attempt, status: number): void;
  /**
   * The caller gave up: destroyed the request, aborted its signal, left the body. At most once; nothing follows it. The
   * adapter ends all attempts in flight.
   */
  onAbort(): void;
}

/** What an adapter needs to know of where a call belongs. */
export interface CallPipeline {
  /**
   * Whether more than one outcome may come of a call: a further attempt, or an answer of ours in its place. The adapter
   * must then keep an outcome back from the app when told to `hold` it.
   */
  readonly buffersOutcome: boolean;
  /** Most bytes of a request body worth recording for a further attempt; 0: none will be made. */
  readonly maxReplayBytes: number;
}

/** The engine, as an adapter sees it. */
export interface CallEngine {
  /**
   * The pipeline a call belongs to; undefined: it is to be left alone. `host` is as the app gave it, a `port` of 0 means
   * the protocol's default, `path` includes the query, `fields` are the headers in whatever form the app gave them. On the
   * path of every call.
   */
  route(
    protocol: string,
    host: string,
    port: number,
    method: string,
    path: string,
    fields: unknown,
  ): CallPipeline | undefined;
  /** A call in `pipeline`, which this engine's `route` gave. Nothing has happened to it before `begin()`. */
  open(pipeline: CallPipeline, exchange: Exchange): ExchangeListener;
}
