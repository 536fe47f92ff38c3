/** How long a response head is waited for before a hedge is sent: so long, or what this share of heads came within. */
export type HedgeDelay =
  | { readonly kind: 'fixed'; readonly ms: number }
  | { readonly kind: 'quantile'; readonly share: number };

export interface HedgeOptions {
  readonly delay: HedgeDelay;
  /** Most hedges of one call, over all its retries. */
  readonly maxHedges: number;
  /** Upper case; idempotent ones only. */
  readonly methods: readonly string[];
  /** Whether a hedge goes to the next fallback endpoint that is fit, if there is one, instead of the same place. */
  readonly endpoints: boolean;
}

export const HEDGE_DEFAULTS: HedgeOptions = {
  delay: { kind: 'quantile', share: 0.95 },
  maxHedges: 1,
  methods: ['GET', 'HEAD', 'OPTIONS'],
  endpoints: false,
};

/** Methods that may be sent twice at once (RFC 9110 section 9.2.2). */
export const HEDGEABLE_METHODS = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'] as const;
