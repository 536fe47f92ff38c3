/** What the driver and its client processes say to each other. */

export type ClientName = 'http' | 'fetch' | 'undici';

/** A library put around each call, as one would without us. */
export type Wrapper = 'opossum' | 'cockatiel';

/** What is to become of the calls of a slice. */
export type Expectation =
  | 'answered'
  /** Refused by an open circuit. */
  | 'rejected'
  /** Nobody listens at the address: what an open circuit spares the app. */
  | 'refused';

export interface WorkerSetup {
  readonly client: ClientName;
  readonly wrapper: Wrapper | undefined;
  readonly expect: Expectation;
  /** So many upstreams are called once before anything is measured. */
  readonly upstreams: number | undefined;
  readonly url: string;
}

/** Calls made over a while by so many loops, each of which waits for the end of one call before the next. */
export interface Slice {
  readonly concurrency: number;
  readonly durationMs: number;
  /** Whether to tell how long each call took. */
  readonly each?: boolean;
}

/** Per call. */
export interface Measured {
  readonly calls: number;
  readonly wallUs: number;
  /** Of all threads of the client process. */
  readonly cpuUs: number;
  /** Of each call, where the slice asked for it. */
  readonly eachUs: readonly number[];
}

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'measured'; readonly measured: Measured }
  | { readonly kind: 'failed'; readonly error: string };
