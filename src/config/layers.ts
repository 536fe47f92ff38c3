import { circuitBreakerOptions, windowType } from './options/circuit-breaker.ts';
import { type PolicyInput, policyOptions } from './options/policy.ts';
import type { ProblemSource } from './problem.ts';
import type { OptionTable } from './schema/option.ts';

/** Where an effective option comes from. */
export type OptionSource = 'default' | 'preset' | ProblemSource;

/** What one source says of a policy. */
export interface PolicyLayer {
  readonly source: OptionSource;
  readonly policy: PolicyInput;
}

/** What runs where nobody says anything of the default policy. */
export const BUILT_IN: PolicyLayer = { source: 'default', policy: { circuit_breaker: {} } };

const PRESETS: Readonly<Record<NonNullable<PolicyInput['preset']>, PolicyInput>> = {
  standard: { circuit_breaker: {}, timeout: {}, retry: {}, bulkhead: {} },
  interactive: { circuit_breaker: {}, timeout: {}, retry: {}, bulkhead: {}, hedge: {} },
};

type Tree = Readonly<Record<string, unknown>>;

/** The layers with the preset's put beneath everything that was set: whatever stands beside a preset overrides it. */
export function withPreset(layers: readonly PolicyLayer[]): readonly PolicyLayer[] {
  const preset = layers.findLast((layer) => layer.policy.preset !== undefined)?.policy.preset;
  if (preset === undefined) return layers;
  const beneath = layers.filter((layer) => layer.source === 'default');
  const above = layers.filter((layer) => layer.source !== 'default');
  return [...beneath, { source: 'preset', policy: PRESETS[preset] }, ...above];
}

/** One policy of several layers, lowest first. */
export function mergeLayers(layers: readonly PolicyLayer[]): PolicyInput {
  return layers.reduce<Tree>((below, { policy }) => merge(policyOptions, below, policy as Tree), {}) as PolicyInput;
}

/** The source of the option at `path`: the highest layer that says anything of it. */
export function sourceOf(layers: readonly PolicyLayer[], path: readonly string[]): OptionSource {
  const says = (layer: PolicyLayer) => {
    let at: unknown = layer.policy;
    for (const name of path) {
      if (at === false) return true;
      if (!isSection(at, name)) return false;
      at = at[name];
    }
    return at !== undefined;
  };
  return layers.findLast(says)?.source ?? 'default';
}

function isSection(value: unknown, name: string): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name);
}

/** Alternatives: a higher source that sets one takes back the other. Both in one source is a contradiction. */
const MUTUALLY_EXCLUSIVE: Readonly<Record<string, string>> = { json: 'body', body: 'json' };

function merge(options: OptionTable, below: Tree, above: Tree): Tree {
  const merged: Record<string, unknown> = changesType(options, below, above) ? {} : { ...below };
  for (const [name, value] of Object.entries(above)) {
    const lower = merged[name];
    const option = options[name];
    const alternative = MUTUALLY_EXCLUSIVE[name];
    if (alternative !== undefined && above[alternative] === undefined) delete merged[alternative];
    const nested = option !== undefined && (option.form === 'section' || option.form === 'switch');
    merged[name] = nested && isTree(lower) && isTree(value) ? merge(option.options, lower, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A window of another type is another window: nothing of the one below applies to it. */
function changesType(options: OptionTable, below: Tree, above: Tree): boolean {
  if (options !== circuitBreakerOptions.window.options) return false;
  const type = windowType(above);
  return type !== undefined && windowType(below) !== type;
}
