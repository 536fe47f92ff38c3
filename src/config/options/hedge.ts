import { HEDGE_DEFAULTS, type HedgeOptions } from '../../strategies/hedge/options.ts';
import { delayText } from '../schema/hedging.ts';
import type { Values } from '../schema/option.ts';
import * as is from '../schema/values.ts';
import type { Resolving } from './resolving.ts';

export const hedgeOptions = {
  delay: is.hedgeDelay({
    description: 'How long a response head is waited for: a time, or what this share of the heads came within.',
    default: delayText(HEDGE_DEFAULTS.delay),
  }),
  max_hedges: is.count(
    { min: 1, max: 5 },
    { description: 'Attempts beside the first, over all retries of the call.', default: HEDGE_DEFAULTS.maxHedges },
  ),
  methods: is.idempotentMethods('`hedge: false` switches hedging off', {
    description: 'Methods that may be on their way twice at once.',
    default: HEDGE_DEFAULTS.methods,
  }),
  endpoints: is.flag({
    description: 'Send the hedge to the next fallback endpoint that is fit, if there is one.',
    default: HEDGE_DEFAULTS.endpoints,
  }),
};

export function resolveHedge(
  given: Values<typeof hedgeOptions> | undefined,
  { timeout, endpoints, contradicts }: Resolving & { readonly endpoints: number },
): HedgeOptions | undefined {
  if (given === undefined) return undefined;
  const { delay } = given;
  const limitMs = Math.min(timeout?.attemptMs ?? Infinity, timeout?.totalMs ?? Infinity);
  if (delay?.kind === 'fixed' && delay.ms >= limitMs) {
    contradicts(['hedge', 'delay'], `${delayText(delay)} is no less than the time an attempt has, so no hedge is sent`);
  }
  if (given.endpoints === true && endpoints === 0) {
    contradicts(['hedge', 'endpoints'], 'there are no fallback.endpoints to send a hedge to');
  }
  return {
    delay: delay ?? HEDGE_DEFAULTS.delay,
    maxHedges: given.max_hedges ?? HEDGE_DEFAULTS.maxHedges,
    methods: given.methods ?? HEDGE_DEFAULTS.methods,
    endpoints: given.endpoints ?? HEDGE_DEFAULTS.endpoints,
  };
}
