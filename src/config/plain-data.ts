/** A map of values, as a file or a caller gives it. */
export type Tree = Record<string, unknown>;

const MAX_DEPTH = 32;
const MAX_NODES = 50_000;

/** True for an object literal, of whatever realm (a vm context, jest); false for a Date, a Map, an instance of a class. */
export function isPlainObject(value: unknown): value is Tree {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Data without anything shared with the caller. Throws on cycles, and on depth and size out of all proportion. */
export function copyData(value: unknown, budget = { nodes: MAX_NODES }, depth = MAX_DEPTH): unknown {
  if (depth === 0) throw new RangeError(`nested deeper than ${MAX_DEPTH}`);
  if (--budget.nodes < 0) throw new RangeError(`more than ${MAX_NODES} values`);
  if (Array.isArray(value)) return Array.from(value as unknown[], (item) => copyData(item, budget, depth - 1));
  if (!isPlainObject(value)) return value;
  const copy: Tree = {};
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new TypeError('__proto__ is no name for a value');
    copy[key] = copyData(value[key], budget, depth - 1);
  }
  return copy;
}
