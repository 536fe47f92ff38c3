import type { TimeoutOptions } from '../../strategies/timeout/options.ts';

/** Tells what contradicts what; `path` is the option to look at first, in the schema's names. */
export type Contradiction = (path: readonly string[], message: string) => void;

/** What is said of header names outside of policies; all in lower case. */
export interface HeaderNames {
  readonly credentials: ReadonlySet<string>;
  /** Undefined: off. */
  readonly requestId: string | undefined;
}

/** What a strategy's resolver may need besides its own options. */
export interface Resolving {
  /** The time limits of the policy, resolved first: others depend on them. Undefined: there are none. */
  readonly timeout: TimeoutOptions | undefined;
  readonly headerNames: HeaderNames;
  readonly contradicts: Contradiction;
}
