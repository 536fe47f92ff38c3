/** Inclusive range of status codes. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** Which outcomes are failures of the upstream, and which say nothing about it. */
export interface VerdictOptions {
  readonly statuses: readonly StatusRange[];
  /** Statuses inside `statuses` that are successes after all. */
  readonly except: readonly StatusRange[];
  /** Error codes that are failures besides the known network errors. */
  readonly codes: readonly string[];
  readonly ignore: { readonly statuses: readonly StatusRange[]; readonly codes: readonly string[] };
}

export const VERDICT_DEFAULTS: VerdictOptions = {
  statuses: [{ from: 500, to: 599 }],
  // Not Implemented and HTTP Version Not Supported tell of the request, not of the upstream's health (RFC 9110 §15.6).
  except: [
    { from: 501, to: 501 },
    { from: 505, to: 505 },
  ],
  codes: [],
  ignore: { statuses: [{ from: 429, to: 429 }], codes: [] }, // a throttle signal, the rate limiter's business
};
