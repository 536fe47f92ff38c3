import type { z } from 'zod';
import { formatSize } from '../../common/size.ts';
import { BULKHEAD_DEFAULTS } from '../../strategies/bulkhead/options.ts';
import { HEALTH_DEFAULTS } from '../../strategies/health/options.ts';
import { RATE_LIMITER_DEFAULTS } from '../../strategies/rate-limiter/options.ts';
import { RETRY_DEFAULTS } from '../../strategies/retry/options.ts';
import { TIMEOUT_DEFAULTS } from '../../strategies/timeout/options.ts';
import { VERDICT_DEFAULTS } from '../../strategies/verdict/options.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { durationText, statusesText } from './default-text.ts';
import { fallback } from './fallback.ts';
import { section, switchable } from './option.ts';
import * as is from './values.ts';

/** The options of a policy, in the file's names. What each means in full: the strategies' `options.ts`. */

const HOUR_MS = 3_600_000;

const failure = {
  statuses: is.statuses({
    description: 'Statuses that are failures.',
    default: statusesText(VERDICT_DEFAULTS.statuses),
  }),
  except: is.statuses({
    description: 'Statuses among them that are not failures.',
    default: statusesText(VERDICT_DEFAULTS.except),
  }),
  codes: is.errorCodes({ description: 'Error codes that are failures besides the known ones.', default: [] }),
  ignore: section(
    {
      statuses: is.statuses({
        description: 'Statuses that count neither way.',
        default: statusesText(VERDICT_DEFAULTS.ignore.statuses),
      }),
      codes: is.errorCodes({ description: 'Error codes that count neither way.', default: [] }),
    },
    { description: 'Outcomes that say nothing about the upstream.' },
  ),
};

const bulkhead = {
  max_concurrent: is.count(
    { min: 1, max: is.MANY },
    { description: 'Calls in flight at a time.', default: BULKHEAD_DEFAULTS.maxConcurrent },
  ),
  max_queue: is.count(
    { min: 0, max: is.MANY },
    { description: 'Calls that may wait for a slot.', default: BULKHEAD_DEFAULTS.maxQueue },
  ),
  queue_timeout: is.duration(
    { max: HOUR_MS },
    { description: 'How long a call may wait for a slot.', default: durationText(BULKHEAD_DEFAULTS.queueTimeoutMs) },
  ),
};

const rateLimiter = {
  permits: is.count(
    { min: 1, max: 10_000_000 },
    { description: 'Calls per `interval`. Left out: only `Retry-After` limits.' },
  ),
  interval: is.duration(
    {},
    { description: 'The time `permits` is for.', default: durationText(RATE_LIMITER_DEFAULTS.intervalMs) },
  ),
  burst: is.count({ min: 1, max: 10_000_000 }, { description: 'Calls at once after a pause. Default: `permits`.' }),
  max_wait: is.duration(
    { min: 0, max: HOUR_MS },
    { description: 'How long a call may wait for its permit.', default: RATE_LIMITER_DEFAULTS.maxWaitMs },
  ),
  respect_retry_after: is.flag({
    description: 'A `Retry-After` of the upstream holds calls back until then.',
    default: RATE_LIMITER_DEFAULTS.respectRetryAfter,
  }),
  max_retry_after: is.duration(
    {},
    {
      description: 'A longer `Retry-After` is cut to this.',
      default: durationText(RATE_LIMITER_DEFAULTS.maxRetryAfterMs),
    },
  ),
};

const timeout = {
  attempt: is.durationOrOff(
    {},
    {
      description: 'From the start of an attempt to its response head.',
      default: durationText(TIMEOUT_DEFAULTS.attemptMs),
    },
  ),
  total: is.durationOrOff(
    {},
    {
      description: 'From the start of the call to its response head, retries and waits included.',
      default: durationText(TIMEOUT_DEFAULTS.totalMs),
    },
  ),
  idle: is.durationOrOff(
    {},
    { description: 'Between two chunks of the response body.', default: durationText(TIMEOUT_DEFAULTS.idleMs) },
  ),
};

const retry = {
  max_retries: is.count(
    { min: 0, max: 10 },
    { description: 'Further attempts after the first.', default: RETRY_DEFAULTS.maxRetries },
  ),
  methods: is.methods({ description: 'Methods that may be sent twice.', default: RETRY_DEFAULTS.methods }),
  statuses: is.statuses({
    description: 'Statuses retried besides those that are failures.',
    default: statusesText(RETRY_DEFAULTS.statuses),
  }),
  backoff: section(
    {
      base: is.duration(
        { max: HOUR_MS },
        { description: 'Upper bound of the first delay.', default: durationText(RETRY_DEFAULTS.backoff.baseMs) },
      ),
      max: is.duration(
        { max: HOUR_MS },
        { description: 'Upper bound of every delay.', default: durationText(RETRY_DEFAULTS.backoff.maxMs) },
      ),
    },
    { description: 'Random delays between attempts, doubling their upper bound each time.' },
  ),
  respect_retry_after: is.flag({
    description: 'Wait as long as the upstream asks for, if the total time allows.',
    default: RETRY_DEFAULTS.respectRetryAfter,
  }),
  max_replay_bytes: is.size(
    { min: 0, max: 64 * 1024 ** 2 },
    {
      description: 'A call with a longer request body is not retried.',
      default: formatSize(RETRY_DEFAULTS.maxReplayBytes),
    },
  ),
  budget: section(
    {
      ratio: is.numeric(
        { min: 0, max: 10 },
        { description: 'Share of the calls of the last `window`.', default: RETRY_DEFAULTS.budget.ratio },
      ),
      min_per_second: is.numeric(
        { min: 0, max: 10_000 },
        { description: 'Retries per second that are always allowed.', default: RETRY_DEFAULTS.budget.minPerSecond },
      ),
      window: is.duration(
        { min: 100, max: HOUR_MS },
        { description: 'How far back calls count.', default: durationText(RETRY_DEFAULTS.budget.windowMs) },
      ),
    },
    { description: 'What all calls to an upstream may spend on further attempts.' },
  ),
};

const health = {
  window: is.count(
    { min: 1, max: is.MANY },
    { description: 'How many of the last calls count.', default: HEALTH_DEFAULTS.window },
  ),
  minimum_calls: is.count(
    { min: 1, max: is.MANY },
    { description: 'Below this many there is no unhealthy verdict.', default: HEALTH_DEFAULTS.minimumCalls },
  ),
  threshold: is.share({ description: 'Unhealthy when the error ratio is above.', default: HEALTH_DEFAULTS.threshold }),
  probe_interval: is.duration(
    {},
    {
      description: 'While calls are diverted for ill health, one per interval asks the primary.',
      default: durationText(HEALTH_DEFAULTS.probeIntervalMs),
    },
  ),
};

export const policyOptions = {
  preset: is.choice(['standard'], { description: 'Strategies to start from; what stands beside it overrides them.' }),
  circuit_breaker: switchable(circuitBreaker, { description: 'Stops calls to an upstream that keeps failing.' }),
  failure: section(failure, { description: 'Which outcomes are failures of the upstream.' }),
  bulkhead: switchable(bulkhead, { description: 'Limits the calls in flight.', default: false }),
  rate_limiter: switchable(rateLimiter, { description: 'Limits the calls per time.', default: false }),
  timeout: switchable(timeout, { description: 'Limits how long calls take.', default: false }),
  retry: switchable(retry, { description: 'Tries again, within a budget.', default: false }),
  fallback: switchable(fallback, { description: 'What to answer when the upstream cannot.', default: false }),
  health: section(health, { description: 'The error-rate monitor, which is always on.' }),
};

export const policySchema = section(policyOptions, { description: 'A named set of strategies.' });

/** A policy as read from one source: names of the file, values checked, nothing filled in. */
export type PolicyInput = NonNullable<z.output<typeof policySchema>>;
