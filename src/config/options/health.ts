import { HEALTH_DEFAULTS, type HealthOptions } from '../../strategies/health/options.ts';
import { durationText } from '../schema/default-text.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Resolving } from './resolving.ts';

export const healthOptions = {
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

export function resolveHealth(given: Values<typeof healthOptions>, { contradicts }: Resolving): HealthOptions {
  const window = given.window ?? Math.max(HEALTH_DEFAULTS.window, given.minimum_calls ?? 0);
  const minimumCalls = given.minimum_calls ?? Math.min(HEALTH_DEFAULTS.minimumCalls, window);
  if (minimumCalls > window) {
    contradicts(['health', 'minimum_calls'], `${minimumCalls} calls never fit the window of ${window}`);
  }
  return {
    window,
    minimumCalls,
    threshold: given.threshold ?? HEALTH_DEFAULTS.threshold,
    probeIntervalMs: given.probe_interval ?? HEALTH_DEFAULTS.probeIntervalMs,
  };
}
