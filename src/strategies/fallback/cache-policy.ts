import type CachePolicy from 'http-cache-semantics';
import type { Field } from '../../common/http-fields.ts';

/** How old a response is and for how long it is fresh, in milliseconds. */
export interface Freshness {
  readonly ageMs: number;
  readonly lifetimeMs: number;
}

/** A response's standing under RFC 9111. */
export interface StoredPolicy {
  /** Whether a cache may keep the response at all. */
  readonly storable: boolean;
  /** Undefined when the wall clock has been set back to before the response arrived: its age is unknown. */
  freshness(): Freshness | undefined;
  /** Whether a 304 with these fields speaks of this very response (RFC 9111 §4.3.4). */
  isValidatedBy(fields: readonly Field[]): boolean;
}

export interface PolicySubject {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly requestCacheControl: string | undefined;
  /** Whether the response will be shared among callers. */
  readonly shared: boolean;
}

export type PolicyMaker = (subject: PolicySubject) => StoredPolicy;

/** Loads `http-cache-semantics`, which only a policy with a cache needs, and binds it to a wall clock. */
export function policyMaker(wallClockMs: () => number): PolicyMaker {
  // On demand, and at once: what needs it is being built.
  const Policy = require('http-cache-semantics') as typeof CachePolicy;
  class ClockedPolicy extends Policy {
    // The library's own seam for its clock; its types do not know it.
    now(): number {
      return wallClockMs();
    }
  }

  return ({ status, fields, requestCacheControl, shared }) => {
    const request = { method: 'GET', url: '/', headers: record([['cache-control', requestCacheControl ?? '']]) };
    const response = { status, headers: record(fields) };
    // No guesses from Last-Modified: what the upstream does not call fresh is stale, and the operator's window counts.
    const policy = new ClockedPolicy(request, response, { shared, cacheHeuristic: 0 });
    const arrivedMs = wallClockMs();
    return {
      storable: policy.storable(),
      freshness() {
        if (wallClockMs() < arrivedMs) return undefined;
        return { ageMs: Math.max(0, policy.age() * 1_000), lifetimeMs: policy.maxAge() * 1_000 };
      },
      isValidatedBy: (validating) =>
        policy.revalidatedPolicy(request, { status: 304, headers: record(validating) }).matches === true,
    };
  };
}

/** Fields by name. The library tells directives by their lower-case names only, though they have no case. */
function record(fields: readonly Field[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of fields) {
    const own = name === 'cache-control' ? value.toLowerCase() : value;
    headers[name] = headers[name] === undefined ? own : `${headers[name]}, ${own}`;
  }
  return headers;
}
