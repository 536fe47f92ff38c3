import type { Assignment, Mode, Origin, OriginRules, Policy, Rules } from '../strategies/shared/policy.ts';
import { originKey } from './origin-parts.ts';
import { type RequestTarget, readTarget } from './request-target.ts';
import type { CallPattern } from './url-pattern.ts';

export const DEFAULT_MAX_UPSTREAMS = 1_000;

/** A rule ready to be asked. */
export interface CompiledRule {
  /** Undefined: every URL, sockets included. */
  readonly pattern: CallPattern | undefined;
  /** Undefined: every method. */
  readonly methods: ReadonlySet<string> | undefined;
  /** Undefined: what it matches is left alone. */
  readonly policy: Policy | undefined;
  /** The upstream's name. */
  readonly name: string | undefined;
}

export interface RuleSet {
  readonly mode: Mode;
  readonly maxUpstreams: number;
  /** The first that matches decides. */
  readonly rules: readonly CompiledRule[];
  /** For calls that no rule matches; undefined: they are left alone. */
  readonly defaultPolicy: Policy | undefined;
}

/** A rule as it stands for one origin, and what it assigns. */
interface Candidate {
  readonly matchesTarget: ((target: RequestTarget) => boolean) | undefined;
  readonly methods: ReadonlySet<string> | undefined;
  readonly assignment: Assignment | undefined;
}

const NO_GROUPS = Object.freeze({});

/** Holds nothing per origin: the engine keeps what `forOrigin` says. */
export function createRules({ mode, maxUpstreams, rules, defaultPolicy }: RuleSet): Rules {
  const fallThrough = assign(defaultPolicy, undefined, undefined);
  const index = new RuleIndex(rules);
  const unruled = originRules([], fallThrough);
  return {
    mode,
    maxUpstreams,
    forOrigin(origin) {
      const possible: Candidate[] = [];
      for (const candidate of index.candidatesFor(origin)) {
        possible.push(candidate);
        if (takesAll(candidate)) break; // no later rule is ever asked
      }
      return possible.length === 0 ? unruled : originRules(possible, fallThrough);
    },
  };
}

/** Finds the rules for an origin without asking each of them: most rules name one origin. */
class RuleIndex {
  readonly #rules: readonly CompiledRule[];
  readonly #candidates: readonly Candidate[];
  /** The places of the rules for one origin only. */
  readonly #byOrigin = new Map<string, number[]>();
  /** The places of all others. */
  readonly #others: number[] = [];

  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules;
    this.#candidates = rules.map(candidateOf);
    for (const [place, { pattern }] of rules.entries()) {
      const origin = pattern?.origin;
      const places = origin === undefined ? this.#others : (this.#byOrigin.get(origin) ?? []);
      places.push(place);
      if (origin !== undefined) this.#byOrigin.set(origin, places);
    }
  }

  /** In the order of the rules. */
  candidatesFor(origin: Origin): Candidate[] {
    const own = origin.name.startsWith('unix:') ? [] : (this.#byOrigin.get(originKey(origin)) ?? []);
    const others = this.#others.filter((place) => this.#rules[place]?.pattern?.matchesOrigin(origin) !== false);
    return [...own, ...others].sort((a, b) => a - b).map((place) => this.#candidates[place] as Candidate);
  }
}

function candidateOf({ pattern, methods, policy, name }: CompiledRule): Candidate {
  return { matchesTarget: pattern?.matchesTarget, methods, assignment: assign(policy, name, pattern) };
}

function originRules(possible: readonly Candidate[], fallThrough: Assignment | undefined): OriginRules {
  const first = possible[0];
  const settled = first === undefined || takesAll(first);
  const fixed = settled ? { assignment: first === undefined ? fallThrough : first.assignment } : undefined;
  return {
    fixed,
    match(method, path) {
      let target: RequestTarget | undefined;
      let isRead = false;
      for (const { methods, matchesTarget, assignment } of possible) {
        if (methods?.has(method) === false) continue;
        if (matchesTarget === undefined) return assignment;
        // Read once, however many rules look at it.
        if (!isRead) target = readTarget(path);
        isRead = true;
        if (target !== undefined && matchesTarget(target)) return assignment;
      }
      return fallThrough;
    },
  };
}

function takesAll({ methods, matchesTarget }: Candidate): boolean {
  return methods === undefined && matchesTarget === undefined;
}

function assign(
  policy: Policy | undefined,
  upstream: string | undefined,
  pattern: CallPattern | undefined,
): Assignment | undefined {
  if (policy === undefined) return undefined;
  return { policy, upstream, groups: (url) => pattern?.groups(url) ?? NO_GROUPS };
}

/** Leaves every call alone. */
export function noRules(): Rules {
  return createRules({ mode: 'enforce', maxUpstreams: 1, rules: [], defaultPolicy: undefined });
}
