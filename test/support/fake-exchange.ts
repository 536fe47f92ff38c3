import type { Attempt, Disposition, Exchange, ExchangeListener } from '../../src/engine/exchange.ts';
import type { ResponseHead, Substitute } from '../../src/strategies/shared/contract.ts';

export function head(status: number, headers: Record<string, string> = {}): ResponseHead {
  return { status, header: (name) => headers[name], entries: () => Object.entries(headers) };
}

/** An exchange without a client: notes what the engine has done to it, and reports what the test says. */
export class FakeExchange implements Exchange {
  readonly protocol = 'http:';
  readonly host = 'upstream.test';
  readonly port = 80;
  readonly method: string;
  readonly path: string = '/things/1?q=x';
  readonly log: string[] = [];
  /** Those that the engine had sent; a first one that went out at once is not among them. */
  readonly attempts: Attempt[] = [];
  #first: Attempt | undefined;
  failedWith: Error | undefined;
  answeredWith: Substitute | undefined;
  canReplay = true;
  readerIsSlow = false;
  listener: ExchangeListener | undefined;

  constructor(method = 'GET') {
    this.method = method;
  }

  header(): string | undefined {
    return undefined;
  }
  *headers(): Iterable<readonly [string, string]> {}
  credentials(): string | undefined {
    return undefined;
  }
  hasContent(): boolean {
    return false;
  }
  whenFinal(): Promise<void> | undefined {
    return undefined;
  }
  pinned(): boolean {
    return false;
  }
  sentHeader(): string | undefined {
    return undefined;
  }
  replayable(): boolean {
    return this.canReplay;
  }
  send(attempt: Attempt): void {
    this.attempts.push(attempt);
    this.log.push(`send ${attempt.number} ${attempt.endpoint.name}`);
  }
  hedgeable(): boolean {
    return this.canReplay;
  }
  hedge(attempt: Attempt): void {
    this.attempts.push(attempt);
    this.log.push(`hedge ${attempt.number} ${attempt.endpoint.name}`);
  }
  cancel(attempt: Attempt, error: Error): void {
    this.log.push('cancel');
    this.report((listener) => listener.onError(attempt, error));
  }
  fail(error: Error): void {
    this.failedWith = error;
    this.log.push('fail');
  }
  respond(response: Substitute): void {
    this.answeredWith = response;
    this.log.push(`respond ${response.status}`);
  }
  release(): void {
    this.log.push('release');
  }
  awaitsReader(): boolean {
    return this.readerIsSlow;
  }
  killBody(error: Error): void {
    this.log.push('killBody');
    this.listener?.onBodyError(error);
  }

  /** Starts the call as an adapter does. */
  start(listener: ExchangeListener): void {
    this.listener = listener;
    const first = listener.begin();
    if (first === undefined) return listener.proceed();
    this.#first = first;
    this.log.push('first');
  }

  /** The attempt of this number. */
  numbered(number: number): Attempt {
    const made = [this.#first, ...this.attempts].find((attempt) => attempt?.number === number);
    if (made === undefined) throw new Error(`there is no attempt ${number}`);
    return made;
  }

  /** The attempt made last. */
  get current(): Attempt {
    const last = this.attempts.at(-1) ?? this.#first;
    if (last === undefined) throw new Error('no attempt has been made');
    return last;
  }

  /** Reports an outcome as an adapter does; a held one is followed by `proceed`. */
  report(outcome: (listener: ExchangeListener) => Disposition): void {
    if (this.listener === undefined) throw new Error('the call has not been started');
    const disposition = outcome(this.listener);
    this.log.push(disposition);
    if (disposition === 'hold') this.listener.proceed();
  }

  answerOf(attempt: number, status: number): void {
    this.report((listener) => listener.onHead(this.numbered(attempt), head(status)));
  }

  failureOf(attempt: number, code: string): void {
    this.report((listener) => listener.onError(this.numbered(attempt), Object.assign(new Error(code), { code })));
  }

  respondWith(status: number, headers?: Record<string, string>): void {
    this.report((listener) => listener.onHead(this.current, head(status, headers)));
  }

  failWith(code: string): void {
    this.report((listener) => listener.onError(this.current, Object.assign(new Error(code), { code })));
  }
}
