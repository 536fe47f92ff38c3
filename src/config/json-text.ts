/**
 * The value of a JSON text; undefined for anything else, and where a name stands twice in one map: `JSON.parse` would
 * keep the last one without a word.
 */
export function readJson(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return namesWritten(text) === namesIn(value) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/** Of a text that is JSON: the strings with a colon after them. */
function namesWritten(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) count++;
  return count;
}

function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, item) => sum + namesIn(item), own);
}
