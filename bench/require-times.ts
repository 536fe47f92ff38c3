import Module from 'node:module';
import path from 'node:path';

/** Preloaded before the module of interest: prints, as JSON, how long each module took to load without those it loads. */

export interface LoadTime {
  readonly module: string;
  /** What it took itself: reading, compiling, running. */
  readonly ownMs: number;
}

const times: LoadTime[] = [];
/** Time taken by the loads inside each load that is going on. */
const inner: number[] = [];
const ROOT = path.join(__dirname, '../..');

type Load = (this: unknown, request: string, parent: NodeJS.Module | undefined, isMain: boolean) => unknown;
const internals = Module as unknown as { _load: Load; _resolveFilename(request: string, parent: unknown): string };
const load = internals._load;

internals._load = function (this: unknown, request, parent, isMain) {
  // The app itself stays out of the list.
  if (isMain) return Reflect.apply(load, this, [request, parent, isMain]);
  inner.push(0);
  const beginMs = performance.now();
  try {
    return Reflect.apply(load, this, [request, parent, isMain]);
  } finally {
    const totalMs = performance.now() - beginMs;
    times.push({ module: nameOf(request, parent), ownMs: totalMs - (inner.pop() ?? 0) });
    const outer = inner.length - 1;
    if (outer >= 0) inner[outer] = (inner[outer] ?? 0) + totalMs;
  }
};

function nameOf(request: string, parent: unknown): string {
  try {
    return path.relative(ROOT, internals._resolveFilename(request, parent)) || request;
  } catch {
    return request;
  }
}

process.once('exit', () => process.stdout.write(`\n${JSON.stringify(times)}`));
