import { formatSize } from '../common/size.ts';
import type { Policy } from '../strategies/shared/policy.ts';
import type { StatusRange } from '../strategies/verdict/options.ts';
import { mergeLayers, type OptionSource, type PolicyLayer, sourceOf } from './layers.ts';
import { camelCase } from './read.ts';
import { durationText, statusesText } from './schema/default-text.ts';
import { type EndpointAddress, endpointText } from './schema/endpoint.ts';
import { metaOf, type OptionMeta, type OptionShape } from './schema/option.ts';
import { policyOptions } from './schema/policy.ts';

/** An option as it is in force. */
export interface EffectiveOption {
  /** In the file's names: `circuit_breaker.open.duration`. */
  readonly path: string;
  /** Durations in milliseconds, sizes in bytes; undefined: none. */
  readonly value: unknown;
  /** The value as one would write it in the file; undefined: none. */
  readonly written: unknown;
  readonly source: OptionSource;
}

type Tree = Readonly<Record<string, unknown>>;

/** Every option in force under a policy. A strategy that is on is true and has its options after it. */
export function effectiveOptions(policy: Policy, layers: readonly PolicyLayer[]): EffectiveOption[] {
  const found: EffectiveOption[] = [];
  const walk = (options: OptionShape, path: readonly string[], set: unknown, resolved: unknown): void => {
    for (const [name, schema] of Object.entries(options)) {
      if (isMisfit(name, resolved)) continue;
      const meta = metaOf(schema);
      const here = [...path, name];
      const given = member(set, name);
      const inForce = resolvedMember(resolved, name);
      const value = effectiveValue(meta, given, inForce, name);
      if (meta.form.kind !== 'section') {
        found.push({ path: here.join('.'), value, written: written(meta, value), source: sourceOf(layers, here) });
      }
      if ('options' in meta.form && inForce !== undefined) walk(meta.form.options, here, given, inForce);
    }
  };
  walk(policyOptions, [], mergeLayers(layers), policy);
  return found;
}

function effectiveValue(
  { form, default: otherwise }: OptionMeta,
  given: unknown,
  inForce: unknown,
  name: string,
): unknown {
  if (form.kind === 'switch') return inForce !== undefined;
  return inForce ?? given ?? (UNRESOLVED.has(name) ? otherwise : undefined);
}

function written({ form, default: otherwise }: OptionMeta, value: unknown): unknown {
  if (form.kind === 'switch') return value ? 'on' : 'off';
  if (value === undefined) return otherwise === 'off' ? 'off' : undefined;
  if (form.kind !== 'value') return form.kind === 'function' ? 'a function' : value;
  switch (form.holds) {
    case 'duration':
      return durationText(value as number);
    case 'size':
      return formatSize(value as number);
    case 'statuses':
      return statusesText(value as StatusRange[]);
    case 'endpoints':
      return (value as EndpointAddress[]).map(endpointText);
    default:
      return value;
  }
}

/** What is called otherwise once resolved. */
const RESOLVED_NAMES: Readonly<Record<string, string>> = { failure: 'verdict' };

/** What a resolved policy holds elsewhere, or in another form. */
const UNRESOLVED = new Set(['forward_credentials', 'ignore_headers']);

function resolvedMember(resolved: unknown, name: string): unknown {
  const key = RESOLVED_NAMES[name] ?? camelCase(name);
  return member(resolved, key) ?? member(resolved, `${key}Ms`);
}

/** The options of the other type of window. */
function isMisfit(name: string, resolved: unknown): boolean {
  const type = member(resolved, 'type');
  return (type === 'time' && name === 'size') || (type === 'count' && (name === 'duration' || name === 'buckets'));
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Tree)[name] : undefined;
}
