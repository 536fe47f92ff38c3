import type { ResponseHead, Substitute } from '../../strategies/shared/contract.ts';
import type { WireAttempt } from './wire-attempt.ts';

export type Fields = ReadonlyArray<readonly [name: string, value: string]>;

/** The head of a response, in the form that one style of handlers takes. */
export interface WireHead extends ResponseHead {
  /** With `fields` in place of whatever the other side sent under the same names. */
  marked(fields: Fields): WireHead;
  /** One that stays valid when undici has gone on. */
  kept(): WireHead;
}

/** What an attempt steers undici with, or a caller its response. */
export interface WireLink {
  /** Undici answers with an error report, at once. */
  abort(reason?: Error): void;
  resume(): void;
}

/** The handler of the app, whatever its style. May throw what the app's own code throws. */
export interface CallerSide {
  /** The caller has asked for a pause. */
  readonly paused: boolean;
  /** The handler to give to undici for an attempt. */
  wireFor(attempt: WireAttempt): object;
  /** Gives the caller its handle. Without a link: there is no attempt yet. */
  start(link: WireLink | undefined, context?: unknown): void;
  /** `link`: of the attempt whose response the caller is about to get, or of a substitute. */
  attach(link: WireLink): void;
  /** Like `data`, whether the next piece may follow at once. */
  head(head: WireHead, observed: boolean): boolean;
  data(chunk: Uint8Array): boolean;
  end(trailers: unknown): void;
  error(error: Error): void;
  upgrade(status: number, headers: unknown, socket: unknown): unknown;
  responseStarted(): void;
  bodySent(chunk: unknown): unknown;
  requestSent(): unknown;
  /** The head of a substitute. */
  substitute(response: Substitute, statusText: string, link: WireLink): WireHead;
}
