import type { Field } from '../../common/http-fields.ts';

/** Tells which substitute the app got: `endpoint`, `cache` or `degraded`. */
export const SOURCE_HEADER = 'resilience-source';

/** For caches above us: a substitute must not take the place of good data. */
const NO_STORE: Field = ['cache-control', 'no-store'];

/** Also those for one kind of cache, which it obeys before `Cache-Control` (RFC 9213). */
const CACHE_FIELD = /(?:^|-)cache-control$|^surrogate-control$/;

/** An answer made for the purpose: it is not to be stored, unless whoever made it said what is. */
export function unlessSaid(fields: readonly Field[]): Field[] {
  return fields.some(([name]) => CACHE_FIELD.test(name)) ? [...fields] : [...fields, NO_STORE];
}

/** An answer of which the upstream has said for how long it is good, and that is older. */
export function notToBeStored(fields: readonly Field[]): Field[] {
  return [...fields.filter(([name]) => !CACHE_FIELD.test(name)), NO_STORE];
}
