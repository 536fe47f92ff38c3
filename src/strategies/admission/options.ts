/** Client throttling of an overloaded upstream. */
export interface AdmissionOptions {
  /** Calls that may be asked for per call that is accepted, before some are refused. Above 1. */
  readonly aggressiveness: number;
  readonly windowMs: number;
  /** The largest share of calls that is refused, 0..1. */
  readonly maxRejection: number;
}

export const ADMISSION_DEFAULTS: AdmissionOptions = {
  aggressiveness: 2, // the SRE book's K: half of the load may fail before anything is refused
  windowMs: 30_000,
  maxRejection: 0.8, // as in Envoy: some calls must pass, or nobody would ever see the upstream recover
};
