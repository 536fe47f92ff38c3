/** A fault that can be injected in place of the wire, or around it. */
export type Fault =
  /** The upstream is not asked; it seems to have answered with this status and no content. */
  | { readonly kind: 'status'; readonly status: number }
  /** The upstream is not asked; the connection seems to have failed with this error code. */
  | { readonly kind: 'error'; readonly code: FaultCode }
  /** The upstream is asked this much later. */
  | { readonly kind: 'latency'; readonly latencyMs: number }
  /** The connection is cut when this share of the response's body has come, 0 to below 1. */
  | { readonly kind: 'cut_body'; readonly share: number };

/** Errors that a connection can be made to fail with. Each looks as Node's own does. */
export const FAULT_CODES = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EPIPE'] as const;

export type FaultCode = (typeof FAULT_CODES)[number];

/** How often which fault is injected. */
export interface ChaosRule {
  /** The chance that an attempt meets the fault, 0..1. */
  readonly rate: number;
  readonly fault: Fault;
}

export type ChaosOptions = readonly ChaosRule[];
