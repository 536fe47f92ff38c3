import type { ChangeFacts } from '../status/episodes.ts';
import type { CircuitFacts, UpstreamFacts } from '../status/situation.ts';

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
  readonly changes: readonly ChangeFacts[];
}

export interface UpstreamReading extends UpstreamFacts {
  readonly policy: string | undefined;
  readonly circuits: readonly CircuitReading[];
  /** How many calls ended, in whatever way. */
  readonly calls: number | undefined;
  readonly rejections: number;
  readonly retries: number;
  readonly hedges: number;
  readonly fallbacks: number;
  readonly p95Ms: number | undefined;
  /** The most calls in flight that the bulkhead lets through now; undefined without one whose limit adapts. */
  readonly limit: number | undefined;
  /** The chance that the next call is refused by admission, 0 to 1; undefined without it. */
  readonly refusing: number | undefined;
}

export interface CircuitReading extends CircuitFacts {
  readonly failureRatio: number | undefined;
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
  const results = treeOf(tree.results);
  const bulkhead = treeOf(tree.bulkhead);
  return {
    upstream: textIn(tree, 'upstream') ?? '?',
    policy: textIn(tree, 'policy'),
    mode: tree.mode === 'observe' ? 'observe' : 'enforce',
    circuits: listIn(tree, 'circuits').map(circuitOf),
    errorRatio: numberIn(tree, 'errorRatio') ?? null,
    unhealthy: tree.unhealthy === true,
    calls: Object.keys(results).length === 0 ? undefined : sum(results),
    rejections: sum(treeOf(tree.rejections)),
    retries: sum(treeOf(tree.retries)),
    hedges: sum(treeOf(tree.hedges)),
    fallbacks: sum(treeOf(tree.fallbacks)),
    p95Ms: numberIn(treeOf(tree.latency), 'p95Ms'),
    limit: bulkhead.adaptive === undefined ? undefined : numberIn(bulkhead, 'maxConcurrent'),
    refusing: numberIn(treeOf(tree.admission), 'probability'),
  };
}

function circuitOf(value: unknown): CircuitReading {
  const tree = treeOf(value);
  return {
    name: textIn(tree, 'name') ?? '?',
    state: textIn(tree, 'state') ?? '?',
    failureRatio: numberIn(tree, 'failureRatio'),
    retryAfterMs: numberIn(tree, 'retryAfterMs') ?? 0,
    outageMs: numberIn(tree, 'outageMs') ?? 0,
    rejectedInOutage: numberIn(tree, 'rejectedInOutage') ?? 0,
  };
}

function changeOf(value: unknown, index: number): ChangeFacts {
  const tree = treeOf(value);
  return {
    id: numberIn(tree, 'id') ?? index,
    at: numberIn(tree, 'at') ?? 0,
    type: textIn(tree, 'type') ?? 'circuit',
    policy: textIn(tree, 'policy') ?? '',
    mode: textIn(tree, 'mode') ?? 'enforce',
    name: textIn(tree, 'name') ?? textIn(tree, 'upstream') ?? '?',
    previousState: textIn(tree, 'previousState') ?? '?',
    state: textIn(tree, 'state') ?? '?',
    reason: textIn(tree, 'reason') ?? '?',
    ratio: numberIn(tree, 'ratio') ?? null,
    traceId: textIn(tree, 'traceId') ?? null,
    requestId: textIn(tree, 'requestId') ?? null,
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
