import type { Policy } from '../strategies/shared/policy.ts';
import { mergeLayers, type OptionSource, type PolicyLayer, sourceOf } from './layers.ts';
import { policyOptions } from './options/policy.ts';
import type { Option, OptionTable } from './schema/option.ts';
import { camelCase } from './spelling.ts';

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
  const walk = (options: OptionTable, path: readonly string[], set: unknown, resolved: unknown): void => {
    for (const [name, option] of Object.entries(options)) {
      if (isMisfit(option, resolved)) continue;
      const here = [...path, name];
      const given = member(set, name);
      const inForce = resolvedMember(resolved, name);
      if (option.form !== 'section') {
        const value = effectiveValue(option, given, inForce, name);
        found.push({
          path: here.join('.'),
          value,
          written: written(option, value),
          source: sourceOf(layers, here),
        });
      }
      const hasOptions = option.form === 'section' || option.form === 'switch';
      if (hasOptions && inForce !== undefined) walk(option.options, here, given, inForce);
    }
  };
  walk(policyOptions, [], mergeLayers(layers), policy);
  return found;
}

function effectiveValue(option: Option, given: unknown, inForce: unknown, name: string): unknown {
  if (option.form === 'switch') return inForce !== undefined;
  return inForce ?? given ?? (UNRESOLVED.has(name) ? option.default : undefined);
}

function written(option: Option, value: unknown): unknown {
  if (option.form === 'switch') return value ? 'on' : 'off';
  if (value === undefined) return option.default === 'off' ? 'off' : undefined;
  if (option.form === 'function') return 'a function';
  return option.form === 'value' && option.kind.write !== undefined ? option.kind.write(value) : value;
}

/** What is called otherwise once resolved. */
const RESOLVED_NAMES: Readonly<Record<string, string>> = { failure: 'verdict' };

/** What a resolved policy holds elsewhere, or in another form. */
const UNRESOLVED = new Set(['forward_credentials', 'ignore_headers']);

function resolvedMember(resolved: unknown, name: string): unknown {
  const key = RESOLVED_NAMES[name] ?? camelCase(name);
  return member(resolved, key) ?? member(resolved, `${key}Ms`);
}

/** An option of the other type of window. */
function isMisfit({ onlyWith }: Option, resolved: unknown): boolean {
  return onlyWith !== undefined && member(resolved, camelCase(onlyWith.option)) !== onlyWith.value;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Tree)[name] : undefined;
}
