import type { ProblemSource } from './problem.ts';
import type { PolicyInput } from './schema/policy.ts';

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
  return layers.reduce<Tree>((below, { policy }) => merge(below, policy as Tree, ''), {}) as PolicyInput;
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

/** What replaces as a whole although it is a map: it is the operator's data, not a set of options. */
const DATA = new Set(['headers', 'json', 'body']);

/** Options that make no sense beside each other: a higher source that says one takes back the other. */
const RIVALS: Readonly<Record<string, string>> = { json: 'body', body: 'json' };

function merge(below: Tree, above: Tree, name: string): Tree {
  const merged: Record<string, unknown> = name === 'window' && changesType(below, above) ? {} : { ...below };
  for (const [key, value] of Object.entries(above)) {
    const lower = merged[key];
    const rival = RIVALS[key];
    // Both in one source is a contradiction, and stays one to be told.
    if (rival !== undefined && above[rival] === undefined) delete merged[rival];
    merged[key] = !DATA.has(key) && isTree(lower) && isTree(value) ? merge(lower, value, key) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function changesType(below: Tree, above: Tree): boolean {
  const type = windowType(above);
  return type !== undefined && windowType(below) !== type;
}

/** `size` makes a count window even if nobody says so. */
export function windowType(window: Tree): 'time' | 'count' | undefined {
  if (window.type !== undefined) return window.type as 'time' | 'count';
  if (window.size !== undefined) return 'count';
  return window.duration !== undefined || window.buckets !== undefined ? 'time' : undefined;
}
