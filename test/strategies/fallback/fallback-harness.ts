import type { CallState } from '../../../src/engine/call-state.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { type AttemptBudget, FallbackRecovery } from '../../../src/strategies/fallback/fallback-recovery.ts';
import {
  FALLBACK_CACHE_DEFAULTS,
  FALLBACK_DEFAULTS,
  type FallbackCacheOptions,
  type FallbackOptions,
} from '../../../src/strategies/fallback/options.ts';
import type {
  CallInfo,
  EndpointTarget,
  Guard,
  Recovery,
  ResponseHead,
} from '../../../src/strategies/shared/contract.ts';
import {
  type Assignment,
  DEFAULT_POLICY,
  type Mode,
  type Policy,
  type Rules,
} from '../../../src/strategies/shared/policy.ts';
import { callInfo } from '../../support/call-info.ts';
import { FakeExchange } from '../../support/fake-exchange.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingListener } from '../../support/recording-listener.ts';

export interface RequestScript {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The app has not finished its head yet. */
  readonly unfinished?: boolean;
  /** Tied to its place. */
  readonly pinned?: boolean;
}

/** A request a test makes up. */
export function request(script: RequestScript = {}): CallInfo {
  const { method = 'GET', path = '/things/1', headers = {} } = script;
  return { ...callInfo(method, headers), path };
}

/** A head whose fields may repeat. */
export function headOf(status: number, fields: ReadonlyArray<readonly [string, string]> = []): ResponseHead {
  const header = (name: string): string | undefined => {
    const values = fields.filter(([own]) => own === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(', ');
  };
  return { status, header, entries: () => fields };
}

export class ScriptedExchange extends FakeExchange {
  override readonly path: string;
  readonly #headers: Record<string, string>;
  readonly #pinned: boolean;
  #final: Promise<void> | undefined;
  #finish: () => void = () => {};

  constructor({ method = 'GET', path = '/users/42?q=x', headers = {}, pinned = false }: RequestScript) {
    super(method);
    this.path = path;
    this.#headers = { ...headers };
    this.#pinned = pinned;
  }

  /** From here on the app is still busy with the head. */
  begin(): this {
    this.#final = new Promise((resolve) => {
      this.#finish = resolve;
    });
    return this;
  }

  /** The app sets these headers, and is done. */
  finish(headers: Readonly<Record<string, string>> = {}): void {
    Object.assign(this.#headers, headers);
    this.#final = undefined;
    this.#finish();
  }

  override whenFinal(): Promise<void> | undefined {
    return this.#final;
  }

  override pinned(): boolean {
    return this.#pinned;
  }

  override *headers(): Iterable<readonly [string, string]> {
    yield* Object.entries(this.#headers);
  }

  override header(name?: string): string | undefined {
    return name === undefined ? undefined : this.#headers[name];
  }

  /** A whole response, as an adapter reports it. */
  async answer(status: number, headers: Record<string, string> = {}, body = ''): Promise<void> {
    this.respondWith(status, headers);
    this.listener?.bodyObserver?.chunk(Buffer.from(body));
    this.listener?.onBodyEnd();
  }

  get answeredBody(): string {
    return Buffer.from(this.answeredWith?.body ?? []).toString();
  }

  answeredHeader(name: string): string | undefined {
    return this.answeredWith?.headers.find(([own]) => own === name)?.[1];
  }
}

export function backup(host: string): EndpointTarget {
  return { protocol: 'http:', host, port: 80, basePath: '', forwardCredentials: false };
}

export function cacheOptions(options: Partial<FallbackCacheOptions> = {}): FallbackCacheOptions {
  return { ...FALLBACK_CACHE_DEFAULTS, ...options };
}

export function degraded(json: unknown, status = 200) {
  return { status, headers: {}, body: undefined, json };
}

interface HarnessOptions {
  readonly fallback: Partial<FallbackOptions>;
  readonly policy?: Partial<Policy>;
  readonly mode?: Mode;
  readonly budget?: AttemptBudget;
  readonly guards?: readonly Guard[];
  /** Asked before the fallback, as a retry is. */
  readonly before?: Recovery;
}

/** The real engine with the real fallback behind it, wired as one upstream of a rule `/users/:id`. */
export function fallbackHarness(options: HarnessOptions) {
  const clock = new ManualClock();
  const listener = new RecordingListener();
  const reported: unknown[] = [];
  const wall = { nowMs: Date.parse('2026-01-01T00:00:00Z') };
  const fallback: FallbackOptions = { ...FALLBACK_DEFAULTS, ...options.fallback };
  const engine = new Engine({
    clock,
    listener,
    random: () => 0.5,
    rules: usersRule({ ...DEFAULT_POLICY, ...options.policy, fallback }, options.mode ?? 'enforce'),
    buildStages: (_policy, { upstream, endpoint }) => ({
      callGuards: options.guards ?? [],
      recoveries: [
        ...(options.before === undefined ? [] : [options.before]),
        new FallbackRecovery(fallback, {
          policy: 'important',
          upstream,
          clock,
          endpoints: fallback.endpoints.map(endpoint),
          budget: options.budget,
          wallClockMs: () => wall.nowMs,
          report: (error) => reported.push(error),
        }),
      ],
    }),
  });
  const pipeline = () => {
    const found = engine.route('http:', 'upstream.test', 80, 'GET', '/');
    if (found === undefined) throw new Error('no pipeline');
    return found;
  };
  const call = (script: RequestScript = {}): ScriptedExchange & { execution: CallState } => {
    const exchange = new ScriptedExchange(script);
    if (script.unfinished === true) exchange.begin();
    const execution = engine.open(pipeline(), exchange);
    exchange.start(execution);
    return Object.assign(exchange, { execution: execution.call });
  };
  return { clock, listener, engine, pipeline, call, reported, wall };
}

function usersRule(policy: Policy, mode: Mode): Rules {
  const assignment: Assignment = {
    policy,
    upstream: 'users',
    groups: (url) => {
      const id = /\/users\/([^/?#]*)/.exec(url)?.[1];
      return id === undefined ? {} : { id: decodeURIComponent(id) };
    },
  };
  const rules = { fixed: { assignment }, match: () => assignment };
  return { mode, maxUpstreams: 10, forOrigin: () => rules };
}
