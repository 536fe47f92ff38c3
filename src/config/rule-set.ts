import type { Origin, Policy } from '../strategies/shared/policy.ts';
import type { ReadRule } from './document-reader.ts';
import type { RuleInput } from './options/document.ts';
import { type ProblemSource, type Problems, show } from './problem.ts';
import type { CompiledRule } from './rules.ts';
import { camelCase, pathText } from './spelling.ts';
import { didYouMean } from './suggest.ts';
import { type CallPattern, compileCallPattern } from './url-pattern.ts';

/** A rule that can be told from others, whether or not its policy turns out to be usable. */
export interface PolicyRule {
  readonly path: string;
  readonly source: ProblemSource;
  /** Of the pattern, as it was given. */
  readonly url: string | undefined;
  readonly pattern: CallPattern | undefined;
  readonly methods: ReadonlySet<string> | undefined;
  /** Undefined: what it matches is left alone. */
  readonly policy: string | undefined;
  readonly name: string | undefined;
}

/**
 * The rules in order. One that is wrong leaves the calls alone that it matches, whatever their method, rather than
 * passing them on to rules they were not meant for; only where its URL is wrong nobody knows which calls those are.
 */
export function readRules(rules: readonly ReadRule[], policies: ReadonlySet<string>, problems: Problems): PolicyRule[] {
  const byName = new Map<string, string>();
  return rules.flatMap((rule) => readRule(rule, policies, byName, problems) ?? []);
}

function readRule(
  { input, keys, source, broken }: ReadRule,
  policies: ReadonlySet<string>,
  byName: Map<string, string>,
  problems: Problems,
): PolicyRule | undefined {
  let wrong = broken;
  const path = pathText(keys);
  const report: Report = (options, message) => {
    wrong = true;
    const at = [...keys, ...(source === 'code' ? options.map(camelCase) : options)];
    problems.add({ path: pathText(at), message, source, keys: at }, { kind: 'rule_off', rule: path });
  };
  const { url, methods } = input.match ?? {};
  const { policy, name } = input;
  if (!broken) checkComplete(input, report);
  if (policy !== undefined && policy !== 'none' && !policies.has(policy)) {
    report(['policy'], unknownPolicy(policy, [...policies, 'none']));
  }
  checkName(input, byName, report);
  const pattern = compile(url, report);
  // Without its URL, a rule that is wrong would be one for every call there is.
  if (pattern === undefined && (url !== undefined || wrong)) {
    problems.skipRule(path);
    return undefined;
  }
  return {
    path,
    source,
    url,
    pattern,
    methods: methods === undefined || wrong ? undefined : new Set(methods),
    policy: wrong || policy === 'none' ? undefined : policy,
    name,
  };
}

type Report = (options: readonly string[], message: string) => void;

const MAX_NAMES = 10;

function unknownPolicy(name: string, known: readonly string[]): string {
  const listed = known.slice(0, MAX_NAMES).join(', ') + (known.length > MAX_NAMES ? ', …' : '');
  return `there is no policy ${show(name)}: expected one of ${listed}${didYouMean(name, known)}`;
}

function checkComplete({ match, policy }: RuleInput, report: Report): void {
  if (match?.url === undefined && match?.methods === undefined) report(['match'], 'expected a url, methods or both');
  if (policy === undefined) report(['policy'], 'expected the name of a policy, or none');
}

/** The state of an upstream is kept per policy: one name with two policies would be two upstreams of one name. */
function checkName({ name, policy }: RuleInput, byName: Map<string, string>, report: Report): void {
  if (name === undefined || policy === undefined) return;
  const other = byName.get(name) ?? policy;
  if (other !== policy) report(['name'], `${show(name)} is the name of a rule with the policy ${show(other)} already`);
  byName.set(name, other);
}

function compile(url: string | undefined, report: Report): CallPattern | undefined {
  if (url === undefined) return undefined;
  try {
    return compileCallPattern(url);
  } catch (error) {
    const detail = error instanceof Error ? error.message.replace("Failed to construct 'URLPattern': ", '') : 'invalid';
    report(['match', 'url'], `expected a URL pattern, got ${show(withoutCredentials(url))}: ${detail}`);
    return undefined;
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//…@');
}

export function compileRules(rules: readonly PolicyRule[], policies: ReadonlyMap<string, Policy>): CompiledRule[] {
  return rules.map(({ pattern, methods, policy, name }) => ({
    pattern,
    methods,
    policy: policy === undefined ? undefined : policies.get(policy),
    name,
  }));
}

/** The rule that decides about a call, as `createRules` would have it; undefined: none matches. */
export function findRule(
  rules: readonly PolicyRule[],
  origin: Origin,
  method: string,
  path: string,
): PolicyRule | undefined {
  return rules.find(({ pattern, methods }) => {
    if (methods?.has(method) === false) return false;
    return pattern === undefined || (pattern.matchesOrigin(origin) && (pattern.matchesPath?.(path) ?? true));
  });
}
