import { z } from 'zod';
import { formatDuration } from '../../common/duration.ts';
import { BULKHEAD_DEFAULTS } from '../../strategies/bulkhead/options.ts';
import {
  CIRCUIT_BREAKER_DEFAULTS,
  COUNT_WINDOW_DEFAULTS,
  SLOW_CALL_DEFAULTS,
} from '../../strategies/circuit-breaker/options.ts';
import { FALLBACK_CACHE_DEFAULTS, FALLBACK_DEFAULTS, type FallbackHandler } from '../../strategies/fallback/options.ts';
import { HEALTH_DEFAULTS } from '../../strategies/health/options.ts';
import { RATE_LIMITER_DEFAULTS } from '../../strategies/rate-limiter/options.ts';
import { RETRY_DEFAULTS } from '../../strategies/retry/options.ts';
import { TIMEOUT_DEFAULTS } from '../../strategies/timeout/options.ts';
import type { StatusRange } from '../../strategies/verdict/options.ts';
import { VERDICT_DEFAULTS } from '../../strategies/verdict/options.ts';
import { formatSize } from '../size.ts';
import { endpoints } from './endpoint.ts';
import { option, section, switchable } from './option.ts';
import * as is from './values.ts';

/** The options of a policy, in the file's names. What each means in full: the strategies' `options.ts`. */

const MANY = 100_000;
const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * is.DAY_MS;
const GIB = 1024 ** 3;

const ms = (value: number | undefined) => (value === undefined ? 'off' : value === 0 ? 0 : formatDuration(value));
const ranges = (list: readonly StatusRange[]) =>
  list.map(({ from, to }) => (from === to ? from : (`${from}-${to}` as const)));

const { open, halfOpen, ...breaker } = CIRCUIT_BREAKER_DEFAULTS;
const timeWindow = breaker.window.type === 'time' ? breaker.window : undefined;

const circuitBreaker = {
  window: section(
    {
      type: is.choice(['time', 'count'], {
        description: 'What the window holds: the attempts of the last `duration`, or the last `size` attempts.',
        default: breaker.window.type,
      }),
      duration: is.duration(
        { min: 10 },
        {
          description: 'Length of a time window; at least twice the attempt timeout.',
          default: ms(timeWindow?.durationMs),
        },
      ),
      buckets: is.count(
        { min: 1, max: 100 },
        { description: 'Slices of a time window.', default: timeWindow?.buckets },
      ),
      size: is.count(
        { min: 1, max: MANY },
        { description: 'Attempts in a count window.', default: COUNT_WINDOW_DEFAULTS.size },
      ),
    },
    { description: 'Which attempts count.' },
  ),
  minimum_calls: is.count(
    { min: 1, max: MANY },
    { description: 'Below this many counted attempts no ratio opens the circuit.', default: breaker.minimumCalls },
  ),
  failure_ratio: is.ratio({
    description: 'The circuit opens when this share of the counted attempts has failed.',
    default: breaker.failureRatio,
  }),
  consecutive_failures: is.countOrOff(
    { min: 1, max: MANY },
    { description: 'Opens after this many failures in a row, whatever the window says.', default: 'off' },
  ),
  slow_call: switchable(
    {
      duration: is.duration(
        {},
        { description: 'An attempt slower than this is slow.', default: ms(SLOW_CALL_DEFAULTS.durationMs) },
      ),
      ratio: is.ratio({
        description: 'The circuit opens when this share of the counted attempts is slow.',
        default: SLOW_CALL_DEFAULTS.ratio,
      }),
    },
    { description: 'Opens the circuit when the upstream is slow.', default: false },
  ),
  open: section(
    {
      duration: is.duration(
        {},
        { description: 'How long the circuit stays open the first time.', default: ms(open.durationMs) },
      ),
      multiplier: is.numeric(
        { min: 1, max: 10 },
        {
          description: 'Each opening in a row lasts this many times longer than the one before.',
          default: open.multiplier,
        },
      ),
      max_duration: is.duration(
        {},
        { description: 'The longest that it stays open, before jitter.', default: ms(open.maxDurationMs) },
      ),
      jitter: is.share({ description: 'Share by which the duration varies at random.', default: open.jitter }),
    },
    { description: 'How long the circuit stays open.' },
  ),
  half_open: section(
    {
      max_concurrent: is.count(
        { min: 1, max: 1_000 },
        { description: 'Probes in flight at a time.', default: halfOpen.maxConcurrent },
      ),
      successes: is.count(
        { min: 1, max: 1_000 },
        { description: 'Successful probes that close the circuit.', default: halfOpen.successes },
      ),
      lease: is.duration(
        {},
        {
          description: 'How long a probe may take. Default: the attempt timeout if there is one.',
          default: ms(halfOpen.leaseMs),
        },
      ),
    },
    { description: 'How a circuit that was open is tried.' },
  ),
};

const failure = {
  statuses: is.statuses({ description: 'Statuses that are failures.', default: ranges(VERDICT_DEFAULTS.statuses) }),
  except: is.statuses({
    description: 'Statuses among them that are not failures.',
    default: ranges(VERDICT_DEFAULTS.except),
  }),
  codes: is.errorCodes({ description: 'Error codes that are failures besides the known ones.', default: [] }),
  ignore: section(
    {
      statuses: is.statuses({
        description: 'Statuses that count neither way.',
        default: ranges(VERDICT_DEFAULTS.ignore.statuses),
      }),
      codes: is.errorCodes({ description: 'Error codes that count neither way.', default: [] }),
    },
    { description: 'Outcomes that say nothing about the upstream.' },
  ),
};

const bulkhead = {
  max_concurrent: is.count(
    { min: 1, max: MANY },
    { description: 'Calls in flight at a time.', default: BULKHEAD_DEFAULTS.maxConcurrent },
  ),
  max_queue: is.count(
    { min: 0, max: MANY },
    { description: 'Calls that may wait for a slot.', default: BULKHEAD_DEFAULTS.maxQueue },
  ),
  queue_timeout: is.duration(
    { max: HOUR_MS },
    { description: 'How long a call may wait for a slot.', default: ms(BULKHEAD_DEFAULTS.queueTimeoutMs) },
  ),
};

const rateLimiter = {
  permits: is.count(
    { min: 1, max: 10_000_000 },
    { description: 'Calls per `interval`. Left out: only `Retry-After` limits.' },
  ),
  interval: is.duration(
    {},
    { description: 'The time `permits` is for.', default: ms(RATE_LIMITER_DEFAULTS.intervalMs) },
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
    { description: 'A longer `Retry-After` is cut to this.', default: ms(RATE_LIMITER_DEFAULTS.maxRetryAfterMs) },
  ),
};

const timeout = {
  attempt: is.durationOrOff(
    {},
    { description: 'From the start of an attempt to its response head.', default: ms(TIMEOUT_DEFAULTS.attemptMs) },
  ),
  total: is.durationOrOff(
    {},
    {
      description: 'From the start of the call to its response head, retries and waits included.',
      default: ms(TIMEOUT_DEFAULTS.totalMs),
    },
  ),
  idle: is.durationOrOff(
    {},
    { description: 'Between two chunks of the response body.', default: ms(TIMEOUT_DEFAULTS.idleMs) },
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
    default: ranges(RETRY_DEFAULTS.statuses),
  }),
  backoff: section(
    {
      base: is.duration(
        { max: HOUR_MS },
        { description: 'Upper bound of the first delay.', default: ms(RETRY_DEFAULTS.backoff.baseMs) },
      ),
      max: is.duration(
        { max: HOUR_MS },
        { description: 'Upper bound of every delay.', default: ms(RETRY_DEFAULTS.backoff.maxMs) },
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
        { description: 'How far back calls count.', default: ms(RETRY_DEFAULTS.budget.windowMs) },
      ),
    },
    { description: 'What all calls to an upstream may spend on further attempts.' },
  ),
};

const fallbackCache = {
  stale_if_error: is.duration(
    { max: MONTH_MS },
    {
      description: 'How long after it became stale a stored response may still serve.',
      default: ms(FALLBACK_CACHE_DEFAULTS.staleIfErrorMs),
    },
  ),
  private: is.flag({
    description: 'Store private responses and those to credentials too, kept apart by credentials.',
    default: FALLBACK_CACHE_DEFAULTS.private,
  }),
  max_bytes: is.size(
    { min: 1, max: 16 * GIB },
    { description: 'Bytes of all stored responses.', default: formatSize(FALLBACK_CACHE_DEFAULTS.maxBytes) },
  ),
  max_entry_bytes: is.size(
    { min: 1, max: GIB },
    { description: 'A longer response is not stored.', default: formatSize(FALLBACK_CACHE_DEFAULTS.maxEntryBytes) },
  ),
};

const fallbackResponse = {
  status: is.count({ min: 200, max: 599 }, { description: 'Its status.', default: 200 }),
  headers: is.headers({ description: 'Its header fields.', default: {} }),
  body: is.text(
    { max: 1024 ** 2 },
    { description: `Its body as text; \${path.x} and \${query.x} stand for values of the URL.` },
  ),
  json: is.anyJson({ description: `Its body as JSON; texts in it may hold \${path.x} and \${query.x}.` }),
};

const fallback = {
  endpoints: endpoints({ description: 'Other places that can answer, in order.', default: [] }),
  forward_credentials: is.flag({
    description: 'Send `Authorization`, `Cookie` and `Proxy-Authorization` to endpoints of another origin too.',
    default: false,
  }),
  cache: switchable(fallbackCache, { description: 'Serve the last good response.', default: false }),
  response: switchable(fallbackResponse, { description: 'Serve a fixed, degraded response.', default: false }),
  on_unhealthy: is.flag({
    description: 'Divert as soon as the upstream is unhealthy, before any attempt on it.',
    default: FALLBACK_DEFAULTS.onUnhealthy,
  }),
  handler: option(
    z.custom<FallbackHandler>((given) => typeof given === 'function'),
    { description: 'The last link of the chain.' },
    { form: { kind: 'function' }, expects: 'a function' },
  ),
};

const health = {
  window: is.count(
    { min: 1, max: MANY },
    { description: 'How many of the last calls count.', default: HEALTH_DEFAULTS.window },
  ),
  minimum_calls: is.count(
    { min: 1, max: MANY },
    { description: 'Below this many there is no unhealthy verdict.', default: HEALTH_DEFAULTS.minimumCalls },
  ),
  threshold: is.share({ description: 'Unhealthy when the error ratio is above.', default: HEALTH_DEFAULTS.threshold }),
  probe_interval: is.duration(
    {},
    {
      description: 'While calls are diverted for ill health, one per interval asks the primary.',
      default: ms(HEALTH_DEFAULTS.probeIntervalMs),
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
