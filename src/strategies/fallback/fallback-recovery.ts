import { isSameOrigin } from '../../common/authority.ts';
import type { Clock } from '../../common/clock.ts';
import { OperatorNotice } from '../../common/operator-notice.ts';
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
import { askHandler } from './ask-handler.ts';
import { DegradedResponse } from './degraded-response.ts';
import type { FallbackOptions } from './options.ts';
import { mayGoElsewhere } from './replay-rule.ts';
import { ResponseCache } from './response-cache.ts';
import { limitWithin, TOO_LATE, within } from './time-limit.ts';

/** The retry budget, which other endpoints draw on too: they as well multiply what the app asks for. */
export interface AttemptBudget {
  /** Takes one attempt out; false if none is left. */
  tryWithdraw(nowMs: number): boolean;
}

export interface FallbackDeps {
  /** Names, for what the operator is told. */
  readonly policy: string;
  readonly upstream: string;
  readonly clock: Clock;
  /** One for each of the options' endpoints, in their order. */
  readonly endpoints: readonly Endpoint[];
  readonly budget: AttemptBudget | undefined;
  /** Milliseconds since the epoch: the ages of responses are counted in it. */
  readonly wallClockMs: () => number;
  /** Told of what goes wrong in here, and of what the operator should know (`OperatorNotice`); no call ever is. */
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
  /** What the operator has been told: each thing once, however many calls it concerns. */
  readonly #told = new Set<string>();

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
    this.#told.clear();
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
      const observer = cache.capture(progress.call, head, progress.endpoint.target === undefined);
      return observer === undefined ? undefined : this.#guardedObserver(observer);
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
      if (endpoint === undefined || this.#isOutOfReach(endpoint, progress)) continue;
      const shut = isShut(endpoint, nowMs);
      if (shut && progress.mode === 'observe') continue;
      // An attempt on a shut one is refused by the engine, which says so and asks again: nothing is spent on it.
      return shut || this.#affords(progress, nowMs) ? { kind: 'endpoint', endpoint } : undefined;
    }
    return undefined;
  }

  /**
   * A call that is tied to its place (a lookup of its own, a client certificate, an agent with one) goes to no other
   * origin: what ties it would be wrong there, or be shown to a stranger.
   */
  #isOutOfReach({ target }: Endpoint, { call }: CallProgress): boolean {
    if (target === undefined || isSameOrigin(call, target) || !call.pinned()) return false;
    this.#notify(
      'pinned',
      'some calls are tied to their place (by a socket path, lookup, servername, client certificate, or an agent with ' +
        'one of these), and do not go to fallback endpoints of another origin',
    );
    return true;
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
      const pending = link === 'cache' ? this.#pendingHead(progress) : undefined;
      if (pending !== undefined) return this.#tryAnswersWhenFinal(pending, progress, outcome, nowMs);
      progress.fallbackStep++;
      if (link === 'handler') return this.#askHandler(progress, outcome, nowMs);
      const response = this.#guarded(() =>
        link === 'cache' ? this.#cache?.answer(progress.call) : this.#degraded?.answer(progress),
      );
      if (response !== undefined) return { kind: 'response', response, source: link };
    }
  }

  /** Set while the app may still change the headers by which the cache judges, or write a body. */
  #pendingHead({ call, mode }: CallProgress): Promise<void> | undefined {
    // In observe mode no call waits for what would have been.
    return this.#cache === undefined || mode === 'observe' ? undefined : call.whenFinal();
  }

  async #tryAnswersWhenFinal(
    pending: Promise<void>,
    progress: CallProgress,
    outcome: Outcome,
    nowMs: number,
  ): Promise<RecoveryAction | undefined> {
    const { clock } = this.#deps;
    const ms = limitWithin(progress.remainingMs(nowMs));
    const final = await within(pending, { ms, clock, holdsProcess: false });
    // Of a request that is not there yet the cache knows nothing; a degraded answer needs no head.
    if (final === TOO_LATE || progress.call.whenFinal() !== undefined) progress.fallbackStep++;
    return this.#tryAnswers(progress, outcome, clock.now());
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
    const blame = (fault: string): void =>
      this.#notify(`handler ${fault.split(' ', 1)}`, `the fallback handler ${fault}; calls went on without its answer`);
    const asked = askHandler(handler, { progress, outcome, nowMs }, { clock: this.#deps.clock, blame });
    return asked.then((response) => response && { kind: 'response', response, source: 'handler' });
  }

  #notify(topic: string, text: string): void {
    if (this.#told.has(topic)) return;
    this.#told.add(topic);
    const { policy, upstream, report } = this.#deps;
    report(new OperatorNotice(`policy ${policy}, upstream ${upstream}: ${text}`));
  }

  #guardedObserver(observer: BodyObserver): BodyObserver {
    return {
      chunk: (data) => this.#guarded(() => observer.chunk(data)),
      end: (complete) => this.#guarded(() => observer.end(complete)),
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
