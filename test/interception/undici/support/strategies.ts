import type {
  Admission,
  CallProgress,
  Endpoint,
  Guard,
  Outcome,
  Permit,
  Recovery,
  RecoveryAction,
  Substitute,
} from '../../../../src/strategies/shared/contract.ts';
import type { Upstream } from './upstream.ts';

const failed = (outcome: Outcome): boolean =>
  outcome.kind === 'error'
    ? outcome.verdict === 'failure'
    : outcome.kind !== 'response' || outcome.verdict === 'failure';

/** Retries failures that can be sent again, like the real one without its budget. */
export class Retry implements Recovery {
  readonly mayResend = true;
  readonly outcomes: Outcome[] = [];
  readonly #times: number;
  readonly #afterMs: number;

  constructor(times: number, afterMs = 0) {
    this.#times = times;
    this.#afterMs = afterMs;
  }

  recover(progress: CallProgress, outcome: Outcome): RecoveryAction | undefined {
    if (!failed(outcome)) return undefined;
    this.outcomes.push(outcome);
    if (progress.retries >= this.#times || !progress.replayable()) return undefined;
    return { kind: 'retry', afterMs: this.#afterMs, reason: 'test' };
  }
}

/** Answers failures with a substitute. */
export class Degrade implements Recovery {
  readonly mayResend = true;
  readonly #response: Substitute;

  constructor(response: Partial<Substitute> & { text?: string }) {
    this.#response = {
      status: 200,
      headers: [['resilience-source', 'degraded']],
      body: Buffer.from(response.text ?? 'degraded'),
      ...response,
    };
  }

  recover(_progress: CallProgress, outcome: Outcome): RecoveryAction | undefined {
    return failed(outcome) ? { kind: 'response', response: this.#response, source: 'degraded' } : undefined;
  }
}

/** Sends failures to another endpoint, once. */
export class Divert implements Recovery {
  readonly mayResend = true;
  readonly #endpoint: Endpoint;

  constructor(to: Upstream, options: { basePath?: string; forwardCredentials?: boolean } = {}) {
    this.#endpoint = {
      name: 'backup',
      target: {
        protocol: 'http:',
        host: '127.0.0.1',
        port: to.port,
        basePath: options.basePath ?? '',
        forwardCredentials: options.forwardCredentials ?? false,
      },
      breaker: undefined,
    };
  }

  recover(progress: CallProgress, outcome: Outcome): RecoveryAction | undefined {
    if (!failed(outcome) || progress.fallbackStep > 0 || !progress.replayable()) return undefined;
    progress.fallbackStep++;
    return { kind: 'endpoint', endpoint: this.#endpoint };
  }
}

/** Holds every failure until told otherwise, then has nothing better to offer. */
export class Ponder implements Recovery {
  readonly mayResend = true;
  readonly held: Array<(remedy: RecoveryAction | undefined) => void> = [];
  #waiting: (() => void) | undefined;

  recover(_progress: CallProgress, outcome: Outcome): Promise<RecoveryAction | undefined> | undefined {
    if (!failed(outcome)) return undefined;
    return new Promise((resolve) => {
      this.held.push(resolve);
      this.#waiting?.();
    });
  }

  async next(): Promise<(remedy: RecoveryAction | undefined) => void> {
    if (this.held.length === 0) await new Promise<void>((resolve) => (this.#waiting = resolve));
    const settle = this.held.shift();
    if (settle === undefined) throw new Error('nothing is held');
    return settle;
  }
}

/** Queues every call until the test lets it go. */
export class Queue implements Guard {
  readonly #waiting: Array<(admission: Permit) => void> = [];
  readonly verdicts: string[] = [];
  cancelled = 0;

  acquire(): Admission {
    return {
      kind: 'queued',
      onSettled: (settle) => this.#waiting.push((permit) => settle(permit, performance.now())),
      cancel: () => {
        this.cancelled++;
        this.#waiting.length = 0;
      },
    };
  }

  get length(): number {
    return this.#waiting.length;
  }

  admit(): void {
    this.#waiting.shift()?.({ kind: 'permit', release: (verdict) => this.verdicts.push(verdict) });
  }
}

/** Turns of the event loop, enough for whatever would happen at once to happen. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
