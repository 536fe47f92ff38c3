/** Tells which substitute the app got: `endpoint`, `cache` or `degraded`. */
export const SOURCE_HEADER = 'resilience-source';
