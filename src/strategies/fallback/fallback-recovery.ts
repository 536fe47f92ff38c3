import type {
  BodyObserver,
  CallProgress,
  Endpoint,
  Outcome,
  Recovery,
  RecoveryAction,
  ResponseHead,
  Substitute,
} from '../shared/contract.ts';
import { ResponseCache } from './cache.ts';
import { askHandler } from './handler.ts';
import type { FallbackOptions } from './options.ts';
import { mayGoElsewhere } from './replay-rule.ts';
import { DegradedResponse } from './response.ts';

/** The retry budget, which other endpoints draw on too: they as well multiply what the app asks for. */
export interface AttemptBudget {
  /** Takes one attempt out; false if none is left. */
  tryWithdraw(nowMs: number): boolean;
}

export interface FallbackDeps {
  readonly upstream: string;
  /** One for each of the options' endpoints, in their order. */
  readonly endpoints: readonly Endpoint[];
  readonly budget: AttemptBudget | undefined;
  /** Milliseconds since the epoch: the ages of responses are counted in it. */
  readonly wallClockMs: () => number;
  /** Told of what goes wrong in here; no call ever is. */
  readonly report: (error: unknown) => void;
}

/** In a handler's place in observe mode, where none is called and no answer of ours is sent. */
const NO_ANSWER: Substitute = { status: 200, headers: [], body: new Uint8Array() };

/** Bookmarks below this one are indexes of endpoints: the rest keep theirs when endpoints come or go. */
const ANSWERS = 1_000_000;
/** The links after the endpoints. */
const LINKS = ['cache', 'degraded', 'handler'] as const;
const END = ANSWERS + LINKS.length;

/**
 * Answers for an upstream that failed or may not be asked: other endpoints in order, the last good response, a degraded
 * one, a handler in code. Each link is tried once per call; what a link gets wrong is reported, and the next has its turn.
 */
export class FallbackRecovery implements Recovery {
  readonly #deps: FallbackDeps;
  #options: FallbackOptions;
  #endpoints: readonly Endpoint[];
  #cache: ResponseCache | undefined = undefined;
  #degraded: DegradedResponse | undefined = undefined;

  constructor(options: FallbackOptions, deps: FallbackDeps) {
    this.#deps = deps;
    this.#options = options;
    this.#endpoints = deps.endpoints;
    this.#prepare();
  }

  /** Goes on under other options; the cache keeps what they leave room for. */
  reconfigure(options: FallbackOptions, endpoints: readonly Endpoint[]): void {
    this.#options = options;
    this.#endpoints = endpoints;
    this.#prepare();
  }

  get mayResend(): boolean {
    return this.#endpoints.length > 0;
  }

  recover(
    progress: CallProgress,
    outcome: Outcome,
    nowMs: number,
  ): RecoveryAction | undefined | Promise<RecoveryAction | undefined> {
    if (!concerns(progress, outcome)) return undefined;
    const remedy = this.#tryEndpoints(progress, outcome, nowMs) ?? this.#tryAnswers(progress, outcome, nowMs);
    // In observe mode nothing comes of it: a later outcome of this call would not have been.
    if (remedy !== undefined && progress.mode === 'observe') progress.fallbackStep = END;
    return remedy;
  }

  capture(progress: CallProgress, head: ResponseHead, _nowMs: number): BodyObserver | undefined {
    const cache = this.#cache;
    if (cache === undefined) return undefined;
    return this.#guarded(() => {
      const tap = cache.capture(progress.call, head, progress.endpoint.target === undefined);
      return tap === undefined ? undefined : this.#guardedTap(tap);
    });
  }

  #prepare(): void {
    const { cache, response } = this.#options;
    this.#degraded = response === undefined ? undefined : this.#guarded(() => new DegradedResponse(response));
    if (cache === undefined) this.#cache = undefined;
    else if (this.#cache !== undefined) this.#cache.reconfigure(cache);
    else this.#cache = this.#guarded(() => new ResponseCache(cache, this.#deps.wallClockMs));
  }

  #tryEndpoints(progress: CallProgress, outcome: Outcome, nowMs: number): RecoveryAction | undefined {
    if (progress.fallbackStep >= this.#endpoints.length) return undefined;
    // What rules one of them out rules out the rest as well: the answers are next, and the bookmark moves past them all.
    if (!mayGoElsewhere(progress, outcome, nowMs)) return undefined;
    while (progress.fallbackStep < this.#endpoints.length) {
      const endpoint = this.#endpoints[progress.fallbackStep++];
      if (endpoint === undefined) continue;
      const shut = isShut(endpoint, nowMs);
      if (shut && progress.mode === 'observe') continue;
      // An attempt on a shut one is refused by the engine, which says so and asks again: nothing is spent on it.
      return shut || this.#affords(progress, nowMs) ? { kind: 'endpoint', endpoint } : undefined;
    }
    return undefined;
  }

  /** Without an attempt before it the next one is the call's first, and multiplies nothing. */
  #affords(progress: CallProgress, nowMs: number): boolean {
    return progress.attempts === 0 || (this.#deps.budget?.tryWithdraw(nowMs) ?? true);
  }

  #tryAnswers(
    progress: CallProgress,
    outcome: Outcome,
    nowMs: number,
  ): RecoveryAction | undefined | Promise<RecoveryAction | undefined> {
    if (progress.fallbackStep < ANSWERS) progress.fallbackStep = ANSWERS;
    for (;;) {
      const link = LINKS[progress.fallbackStep - ANSWERS];
      if (link === undefined) return undefined;
      progress.fallbackStep++;
      if (link === 'handler') return this.#askHandler(progress, outcome, nowMs);
      const response = this.#guarded(() =>
        link === 'cache' ? this.#cache?.answer(progress.call) : this.#degraded?.answer(progress),
      );
      if (response !== undefined) return { kind: 'response', response, source: link };
    }
  }

  #askHandler(
    progress: CallProgress,
    outcome: Outcome,
    nowMs: number,
  ): RecoveryAction | undefined | Promise<RecoveryAction | undefined> {
    const { handler } = this.#options;
    if (handler === undefined) return undefined;
    // It would have been asked; what it would have said nobody knows.
    if (progress.mode === 'observe') return { kind: 'response', response: NO_ANSWER, source: 'handler' };
    const asked = askHandler(handler, { progress, outcome, nowMs }, this.#deps.report);
    return asked.then((response) => response && { kind: 'response', response, source: 'handler' });
  }

  #guardedTap(tap: BodyObserver): BodyObserver {
    return {
      chunk: (data) => this.#guarded(() => tap.chunk(data)),
      end: (complete) => this.#guarded(() => tap.end(complete)),
    };
  }

  /** Nothing that goes wrong in here may become the app's trouble. */
  #guarded<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#deps.report(error);
      return undefined;
    }
  }
}

/** Failures and our own refusals. Not what is to become a connection of the app's own: no answer stands in for that. */
function concerns({ call }: CallProgress, outcome: Outcome): boolean {
  // First, for every good response comes by here.
  if ((outcome.kind === 'response' || outcome.kind === 'error') && outcome.verdict !== 'failure') return false;
  return call.method !== 'CONNECT' && call.header('upgrade') === undefined;
}

/** Whether the endpoint's circuit would refuse an attempt for certain. */
function isShut(endpoint: Endpoint, nowMs: number): boolean {
  const state = endpoint.breaker?.state(nowMs);
  return state === 'open' || state === 'forced_open';
}
