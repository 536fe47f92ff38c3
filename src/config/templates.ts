const PLACEHOLDER = /\$\{path\.([^}]*)\}/g;

/** The names of `${path.name}` in all texts of a degraded response. */
export function pathParameters(response: { readonly body?: unknown; readonly json?: unknown }): Set<string> {
  const names = new Set<string>();
  collect(response.body, names);
  collect(response.json, names);
  return names;
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value === 'string') {
    for (const [, name] of value.matchAll(PLACEHOLDER)) into.add(name as string);
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) collect(item, into);
  }
}
