/**
 * The answer of a status page, read with care: it may be that of another version of this package. What is missing or of
 * another kind than expected is left out, and the rest is shown.
 */
export interface StatusReading {
  readonly pid: number | undefined;
  readonly node: string | undefined;
  readonly startedAt: number | undefined;
  readonly at: number | undefined;
  readonly upstreams: readonly UpstreamReading[];
  readonly omitted: number;
  /** Newest last. */
  readonly changes: readonly ChangeReading[];
}

export interface UpstreamReading {
  readonly name: string;
  readonly policy: string | undefined;
  readonly observes: boolean;
  readonly circuits: readonly CircuitReading[];
  readonly errorRatio: number | undefined;
  readonly unhealthy: boolean;
  /** How many calls ended, in whatever way. */
  readonly calls: number | undefined;
  readonly rejections: number;
  readonly retries: number;
  readonly fallbacks: number;
  readonly p95Ms: number | undefined;
}

export interface CircuitReading {
  readonly name: string;
  readonly state: string;
  readonly failureRatio: number | undefined;
  readonly retryAfterMs: number;
}

export interface ChangeReading {
  readonly at: number | undefined;
  readonly name: string;
  readonly previousState: string;
  readonly state: string;
  readonly reason: string;
  readonly traceId: string | undefined;
}

type Tree = Readonly<Record<string, unknown>>;

/** Undefined: not the answer of a status page. */
export function readStatus(document: unknown): StatusReading | undefined {
  const root = Array.isArray(document) ? { upstreams: document } : treeOf(document);
  if (!Array.isArray(root.upstreams)) return undefined;
  const facts = treeOf(root.process);
  return {
    pid: numberIn(facts, 'pid'),
    node: textIn(facts, 'node'),
    startedAt: numberIn(facts, 'startedAt'),
    at: numberIn(root, 'at'),
    upstreams: root.upstreams.map(upstreamOf),
    omitted: numberIn(root, 'omittedUpstreams') ?? 0,
    changes: listIn(root, 'changes').map(changeOf),
  };
}

function upstreamOf(value: unknown): UpstreamReading {
  const tree = treeOf(value);
  const totals = treeOf(tree.totals);
  return {
    name: textIn(tree, 'upstream') ?? '?',
    policy: textIn(tree, 'policy'),
    observes: tree.mode === 'observe',
    circuits: listIn(tree, 'circuits').map(circuitOf),
    errorRatio: numberIn(tree, 'errorRatio'),
    unhealthy: tree.unhealthy === true,
    calls: Object.keys(totals).length === 0 ? undefined : sum(totals),
    rejections: sum(treeOf(tree.rejections)),
    retries: sum(treeOf(tree.retries)),
    fallbacks: sum(treeOf(tree.fallbacks)),
    p95Ms: numberIn(treeOf(tree.latency), 'p95Ms'),
  };
}

function circuitOf(value: unknown): CircuitReading {
  const tree = treeOf(value);
  return {
    name: textIn(tree, 'name') ?? '?',
    state: textIn(tree, 'state') ?? '?',
    failureRatio: numberIn(tree, 'failureRatio'),
    retryAfterMs: numberIn(tree, 'retryAfterMs') ?? 0,
  };
}

function changeOf(value: unknown): ChangeReading {
  const tree = treeOf(value);
  return {
    at: numberIn(tree, 'at'),
    name: textIn(tree, 'name') ?? textIn(tree, 'upstream') ?? '?',
    previousState: textIn(tree, 'previousState') ?? '?',
    state: textIn(tree, 'state') ?? '?',
    reason: textIn(tree, 'reason') ?? '?',
    traceId: textIn(tree, 'traceId'),
  };
}

function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null ? (value as Tree) : {};
}

function listIn(tree: Tree, name: string): readonly unknown[] {
  const value = tree[name];
  return Array.isArray(value) ? value : [];
}

function textIn(tree: Tree, name: string): string | undefined {
  const value = tree[name];
  return typeof value === 'string' ? value : undefined;
}

function numberIn(tree: Tree, name: string): number | undefined {
  const value = tree[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function sum(counts: Tree): number {
  return Object.values(counts).reduce<number>((total, count) => total + (typeof count === 'number' ? count : 0), 0);
}
