/** The stable codes of the errors this package raises itself. Errors of the upstream always pass unchanged. */
export type ResilienceErrorCode =
  | 'ERR_RESILIENCE_CIRCUIT_OPEN'
  | 'ERR_RESILIENCE_BULKHEAD_FULL'
  | 'ERR_RESILIENCE_BULKHEAD_TIMEOUT'
  | 'ERR_RESILIENCE_RATE_LIMITED'
  | 'ERR_RESILIENCE_ADMISSION'
  | 'ERR_RESILIENCE_TIMEOUT';

/** Which limit ran out: one attempt's, the whole call's, or the pause between two body chunks. */
export type TimeoutScope = 'attempt' | 'total' | 'idle';

/** What this package decided, as opposed to what the upstream did. `code` is stable; the message is for people. */
export class ResilienceError extends Error {
  override readonly name: string = 'ResilienceError';
  readonly code: ResilienceErrorCode;
  /** The upstream the call was for: a rule's name, or an origin such as `https://api.example.com`. */
  readonly upstream: string;

  constructor(code: ResilienceErrorCode, upstream: string, message: string) {
    super(message);
    this.code = code;
    this.upstream = upstream;
  }
}

/** The circuit is open (or its half-open probes are all taken): nothing was sent. */
export class CircuitOpenError extends ResilienceError {
  override readonly name = 'CircuitOpenError';
  /** Milliseconds until the circuit next lets a probe through; 0 while probes are running or it is forced open. */
  readonly retryAfterMs: number;

  constructor(upstream: string, retryAfterMs: number, detail: string) {
    super('ERR_RESILIENCE_CIRCUIT_OPEN', upstream, `circuit of ${upstream} is open (${detail})`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** All slots and all places in the queue were taken: nothing was sent. */
export class BulkheadFullError extends ResilienceError {
  override readonly name = 'BulkheadFullError';

  constructor(upstream: string, maxConcurrent: number, maxQueue: number) {
    const detail = `${maxConcurrent} calls running, ${maxQueue} queued`;
    super('ERR_RESILIENCE_BULKHEAD_FULL', upstream, `bulkhead of ${upstream} is full (${detail})`);
  }
}

/** The call waited in the bulkhead's queue for as long as it may: nothing was sent. */
export class BulkheadTimeoutError extends ResilienceError {
  override readonly name = 'BulkheadTimeoutError';

  constructor(upstream: string, queueTimeoutMs: number) {
    const message = `no slot in the bulkhead of ${upstream} within ${queueTimeoutMs} ms`;
    super('ERR_RESILIENCE_BULKHEAD_TIMEOUT', upstream, message);
  }
}

/** The rate limit, or a `Retry-After` of the upstream, allows no call now: nothing was sent. */
export class RateLimitedError extends ResilienceError {
  override readonly name = 'RateLimitedError';
  /** Milliseconds until a call would be allowed, as far as is known now. */
  readonly retryAfterMs: number;

  constructor(upstream: string, retryAfterMs: number, detail: string) {
    super('ERR_RESILIENCE_RATE_LIMITED', upstream, `calls to ${upstream} are limited (${detail})`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The upstream accepts too few of its calls, and this one was chosen to spare it: nothing was sent. */
export class AdmissionError extends ResilienceError {
  override readonly name = 'AdmissionError';
  /** The chance of being refused that this call had, 0 to 1. */
  readonly probability: number;

  constructor(upstream: string, probability: number) {
    const detail = `it accepts too few calls; ${Math.round(probability * 100)} % are refused`;
    super('ERR_RESILIENCE_ADMISSION', upstream, `call to ${upstream} was not admitted (${detail})`);
    this.probability = probability;
  }
}

/** A time limit of the policy ran out. */
export class TimeoutError extends ResilienceError {
  override readonly name = 'TimeoutError';
  readonly scope: TimeoutScope;
  readonly timeoutMs: number;

  constructor(upstream: string, scope: TimeoutScope, timeoutMs: number) {
    super('ERR_RESILIENCE_TIMEOUT', upstream, `${scope} timeout of ${timeoutMs} ms for ${upstream} ran out`);
    this.scope = scope;
    this.timeoutMs = timeoutMs;
  }
}
