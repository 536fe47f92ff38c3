import type { Attempt, CallEngine, CallPipeline, Exchange, ExchangeListener } from '../../../src/engine/exchange.ts';
import type { BodyObserver, Endpoint, ResponseHead } from '../../../src/strategies/shared/contract.ts';

export const PRIMARY: Endpoint = { name: 'primary', target: undefined, breaker: undefined };

/** What a test says shall become of a call. Everything left out: let it go. */
export interface Script {
  readonly buffersOutcome?: boolean;
  readonly maxReplayBytes?: number;
  /** Done while the call is judged. */
  readonly judging?: (call: ScriptedCall) => void;
  /** Carried out instead of the first attempt. */
  readonly first?: (call: ScriptedCall) => void;
  /** Whether to hold a response; `then` is carried out by `proceed`. */
  readonly head?: (call: ScriptedCall, head: ResponseHead) => ((call: ScriptedCall) => void) | undefined;
  readonly error?: (call: ScriptedCall, error: Error) => ((call: ScriptedCall) => void) | undefined;
  readonly addedResponseHeaders?: ReadonlyArray<readonly [string, string]>;
  readonly bodyObserver?: BodyObserver;
  readonly withAttemptContext?: (send: () => void) => void;
}

/** Plays a script on one call, and notes what its adapter reports. */
export class ScriptedCall implements ExchangeListener {
  readonly needsAttemptContext = true;
  readonly exchange: Exchange;
  readonly log: string[];
  attempts = 0;
  /** The one made last. */
  attempt: Attempt = { number: 0, endpoint: PRIMARY };
  readonly addedResponseHeaders: ReadonlyArray<readonly [string, string]> | undefined;
  readonly bodyObserver: BodyObserver | undefined;
  readonly #script: Script;
  #next: ((call: ScriptedCall) => void) | undefined;

  constructor(script: Script, exchange: Exchange, log: string[]) {
    this.#script = script;
    this.exchange = exchange;
    this.log = log;
    this.addedResponseHeaders = script.addedResponseHeaders;
    this.bodyObserver = script.bodyObserver;
  }

  begin(): Attempt | undefined {
    this.log.push('begin');
    this.#script.judging?.(this);
    this.#next = this.#script.first;
    if (this.#next !== undefined) return undefined;
    this.attempts++;
    this.attempt = { number: 1, endpoint: PRIMARY };
    return this.attempt;
  }

  proceed(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.(this);
  }

  send(endpoint: Endpoint = PRIMARY): void {
    this.attempts++;
    this.attempt = { number: this.attempts, endpoint };
    this.exchange.send(this.attempt);
  }

  withAttemptContext(send: () => void): void {
    if (this.#script.withAttemptContext === undefined) send();
    else this.#script.withAttemptContext(send);
  }

  onHead(_attempt: Attempt, head: ResponseHead): 'deliver' | 'hold' {
    this.log.push(`head ${head.status}`);
    this.#next = this.#script.head?.(this, head);
    return this.#next === undefined ? 'deliver' : 'hold';
  }

  onError(_attempt: Attempt, error: Error & { code?: string }): 'deliver' | 'hold' {
    this.log.push(`error ${error.code ?? error.message}`);
    this.#next = this.#script.error?.(this, error);
    return this.#next === undefined ? 'deliver' : 'hold';
  }

  onBodyEnd(): void {
    this.log.push('body end');
  }

  onBodyError(error: (Error & { code?: string }) | undefined): void {
    this.log.push(`body error ${error?.code ?? error?.message}`);
  }

  onUpgrade(_attempt: Attempt, status: number): void {
    this.log.push(`upgrade ${status}`);
  }

  onAbort(): void {
    this.log.push('abort');
  }
}

/** An engine that plays scripts. Without one, calls are left alone. */
export class ScriptedEngine implements CallEngine {
  script: Script | undefined = undefined;
  readonly calls: ScriptedCall[] = [];
  readonly routes: string[] = [];

  route(protocol: string, host: string, port: number, method: string, path: string): CallPipeline | undefined {
    this.routes.push(`${protocol} ${host} ${port} ${method} ${path}`);
    const { script } = this;
    if (script === undefined) return undefined;
    return { buffersOutcome: script.buffersOutcome ?? false, maxReplayBytes: script.maxReplayBytes ?? 0 };
  }

  open(_pipeline: CallPipeline, exchange: Exchange): ExchangeListener {
    const call = new ScriptedCall(this.script ?? {}, exchange, []);
    this.calls.push(call);
    return call;
  }

  get last(): ScriptedCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('no call has been made');
    return call;
  }

  reset(script?: Script): void {
    this.script = script;
    this.calls.length = 0;
    this.routes.length = 0;
  }
}

/** Retries failures until there were `attempts`. */
export function retrying(attempts: number, extra: Partial<Script> = {}): Script {
  const again = (call: ScriptedCall): ((call: ScriptedCall) => void) | undefined =>
    call.attempts < attempts && call.exchange.replayable() ? (c) => c.send() : undefined;
  return {
    buffersOutcome: true,
    maxReplayBytes: 65536,
    head: (call, { status }) => (status >= 500 ? again(call) : undefined),
    error: (call) => again(call),
    ...extra,
  };
}
