/** What a scripted snapshot says of a circuit that lets everything through, and of an upstream without ended calls. */
export const NO_OUTAGE = { sinceMs: 0, outageMs: 0, rejectedInOutage: 0 } as const;
export const NO_RESULTS = { success: 0, failure: 0, rejected: 0, fallback: 0 } as const;
