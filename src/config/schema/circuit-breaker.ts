import {
  CIRCUIT_BREAKER_DEFAULTS,
  COUNT_WINDOW_DEFAULTS,
  SLOW_CALL_DEFAULTS,
} from '../../strategies/circuit-breaker/options.ts';
import { durationText } from './default-text.ts';
import { section, switchable } from './option.ts';
import * as is from './values.ts';

const { open, halfOpen, ...breaker } = CIRCUIT_BREAKER_DEFAULTS;
const timeWindow = breaker.window.type === 'time' ? breaker.window : undefined;

export const circuitBreaker = {
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
          default: durationText(timeWindow?.durationMs),
        },
      ),
      buckets: is.count(
        { min: 1, max: 100 },
        { description: 'Slices of a time window.', default: timeWindow?.buckets },
      ),
      size: is.count(
        { min: 1, max: is.MANY },
        { description: 'Attempts in a count window.', default: COUNT_WINDOW_DEFAULTS.size },
      ),
    },
    { description: 'Which attempts count.' },
  ),
  minimum_calls: is.count(
    { min: 1, max: is.MANY },
    { description: 'Below this many counted attempts no ratio opens the circuit.', default: breaker.minimumCalls },
  ),
  failure_ratio: is.ratio({
    description: 'The circuit opens when this share of the counted attempts has failed.',
    default: breaker.failureRatio,
  }),
  consecutive_failures: is.countOrOff(
    { min: 1, max: is.MANY },
    { description: 'Opens after this many failures in a row, whatever the window says.', default: 'off' },
  ),
  slow_call: switchable(
    {
      duration: is.duration(
        {},
        { description: 'An attempt slower than this is slow.', default: durationText(SLOW_CALL_DEFAULTS.durationMs) },
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
        { description: 'How long the circuit stays open the first time.', default: durationText(open.durationMs) },
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
        { description: 'The longest that it stays open, before jitter.', default: durationText(open.maxDurationMs) },
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
          default: durationText(halfOpen.leaseMs),
        },
      ),
    },
    { description: 'How a circuit that was open is tried.' },
  ),
};
