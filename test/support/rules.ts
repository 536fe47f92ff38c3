import {
  type Assignment,
  DEFAULT_POLICY,
  type Mode,
  type Policy,
  type Rules,
} from '../../src/strategies/shared/policy.ts';

/** Rules that give every call the same policy. */
export function everyCall(
  policy: Partial<Policy> = {},
  settings: { mode?: Mode; maxUpstreams?: number; upstream?: string } = {},
): Rules {
  const assignment: Assignment = {
    policy: { ...DEFAULT_POLICY, ...policy },
    upstream: settings.upstream,
    groups: () => ({}),
  };
  const rules = { fixed: { assignment }, match: () => assignment };
  return { mode: settings.mode ?? 'enforce', maxUpstreams: settings.maxUpstreams ?? 1_000, forOrigin: () => rules };
}
