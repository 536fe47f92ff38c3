import type { Assignment, Mode, OriginRules, Policy, Rules } from '../strategies/shared/policy.ts';
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
  readonly matchesPath: ((path: string) => boolean) | undefined;
  readonly methods: ReadonlySet<string> | undefined;
  readonly assignment: Assignment | undefined;
}

const NO_GROUPS = Object.freeze({});

/** Holds nothing per origin: whoever asks keeps what `forOrigin` says. */
export function createRules({ mode, maxUpstreams, rules, defaultPolicy }: RuleSet): Rules {
  const fallThrough = assign(defaultPolicy, undefined, undefined);
  const candidates = rules.map((rule) => ({
    rule,
    candidate: {
      matchesPath: rule.pattern?.matchesPath,
      methods: rule.methods,
      assignment: assign(rule.policy, rule.name, rule.pattern),
    },
  }));
  const unruled = originRules([], fallThrough);
  return {
    mode,
    maxUpstreams,
    forOrigin(origin) {
      const possible: Candidate[] = [];
      for (const { rule, candidate } of candidates) {
        if (rule.pattern?.matchesOrigin(origin) === false) continue;
        possible.push(candidate);
        if (takesAll(candidate)) break; // no later rule is ever asked
      }
      return possible.length === 0 ? unruled : originRules(possible, fallThrough);
    },
  };
}

function originRules(possible: readonly Candidate[], fallThrough: Assignment | undefined): OriginRules {
  const first = possible[0];
  const settled = first === undefined || takesAll(first);
  const fixed = settled ? { assignment: first === undefined ? fallThrough : first.assignment } : undefined;
  return {
    fixed,
    match(method, path) {
      for (const { methods, matchesPath, assignment } of possible) {
        if (methods?.has(method) === false) continue;
        if (matchesPath === undefined || matchesPath(path)) return assignment;
      }
      return fallThrough;
    },
  };
}

function takesAll({ methods, matchesPath }: Candidate): boolean {
  return methods === undefined && matchesPath === undefined;
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
