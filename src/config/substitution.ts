import type * as Yaml from 'yaml';
import type { Environment } from './settings.ts';

/** `$$`, `${NAME}`, `${env:NAME}` and `${NAME:-default}`; anything else with a `$` is left as it is. */
const REFERENCE = /\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^\n}]*))?\}/g;

/**
 * Environment variables in the scalars below `root`, by the rules of OpenTelemetry's declarative configuration: values
 * only, never keys; a plain scalar takes the type that its new text has, and no text makes a new structure.
 */
export function substitute(root: Yaml.Node, env: Environment, yaml: typeof Yaml): void {
  yaml.visit(root, {
    Scalar(key, scalar) {
      const source = scalar.source;
      if (key === 'key' || typeof scalar.value !== 'string' || source?.includes('$') !== true) return;
      const text = scalar.value.replace(REFERENCE, (whole, name?: string, otherwise = '') => {
        if (name === undefined) return whole === '$$' ? '$' : whole;
        const value = env[name];
        return value === undefined || value === '' ? otherwise : value;
      });
      scalar.value = scalar.type === 'PLAIN' ? plainValue(text, yaml) : text;
    },
  });
}

/** Only what can be a number, a boolean or null is read once more: no text makes a list or a map. */
function plainValue(text: string, yaml: typeof Yaml): unknown {
  if (!/^[\w.+~-]{0,64}$/.test(text) || text.startsWith('---')) return text;
  const value: unknown = yaml.parse(text);
  return typeof value === 'object' && value !== null ? text : value;
}
