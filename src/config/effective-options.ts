import type { Policy } from '../strategies/policy.ts';
import { mergeLayers, type OptionSource, type PolicyLayer, sourceOf } from './layers.ts';
import { camelCase } from './read.ts';
import { metaOf, type OptionShape } from './schema/option.ts';
import { policyOptions } from './schema/policy.ts';

/** An option as it is in force. */
export interface EffectiveOption {
  /** In the file's names: `circuit_breaker.open.duration`. */
  readonly path: string;
  /** Durations in milliseconds, sizes in bytes; undefined: none. */
  readonly value: unknown;
  readonly source: OptionSource;
}

type Tree = Readonly<Record<string, unknown>>;

/** Every option in force under a policy; a strategy that is off is one option, false. */
export function effectiveOptions(policy: Policy, layers: readonly PolicyLayer[]): EffectiveOption[] {
  const found: EffectiveOption[] = [];
  const set = mergeLayers(layers);
  collect(policyOptions, [], set, policy, layers, found);
  return found;
}

function collect(
  options: OptionShape,
  path: readonly string[],
  set: unknown,
  resolved: unknown,
  layers: readonly PolicyLayer[],
  into: EffectiveOption[],
): void {
  for (const [name, schema] of Object.entries(options)) {
    const { form, default: otherwise } = metaOf(schema);
    const here = [...path, name];
    const given = member(set, name);
    const inForce = member(resolved, RESOLVED_NAMES[name] ?? camelCase(name)) ?? member(resolved, `${camelCase(name)}Ms`);
    const isSection = form.kind === 'section' || form.kind === 'switch';
    if (isSection && inForce !== undefined) {
      collect(form.options, here, given, inForce, layers, into);
    } else if (form.kind !== 'section' && !isMisfit(name, resolved)) {
      const value = form.kind === 'switch' ? false : (inForce ?? given ?? (name in UNRESOLVED ? otherwise : undefined));
      into.push({ path: here.join('.'), value, source: sourceOf(layers, here) });
    }
  }
}

/** What is called otherwise once resolved. */
const RESOLVED_NAMES: Readonly<Record<string, string>> = { failure: 'verdict' };

/** What a resolved policy holds elsewhere (with each endpoint) or not at all. */
const UNRESOLVED = { forward_credentials: true };

/** The options of the other type of window. */
function isMisfit(name: string, resolved: unknown): boolean {
  const type = member(resolved, 'type');
  return (type === 'time' && name === 'size') || (type === 'count' && (name === 'duration' || name === 'buckets'));
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Tree)[name] : undefined;
}
