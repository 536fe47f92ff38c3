import type { Clock } from '../common/clock.ts';
import type { CircuitBreaker } from '../strategies/circuit-breaker/circuit-breaker.ts';
import type { Assignment, Rules } from '../strategies/shared/policy.ts';
import { buildPipeline, buildStages, type PipelineDeps, type StageBuilder } from './build-pipeline.ts';
import type { CallContext } from './call-state.ts';
import type { EngineListener } from './events.ts';
import type { CallEngine, Exchange } from './exchange.ts';
import { Execution } from './execution.ts';
import { type KnownOrigin, OriginTable } from './origin-table.ts';
import type { Pipeline } from './pipeline.ts';
import { snapshotOf, type UpstreamSnapshot } from './snapshot.ts';
import { UpstreamRegistry } from './upstream-registry.ts';

export interface EngineOptions {
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly listener: EngineListener;
  readonly rules: Rules;
  /** Told of faults in code that was handed to us, such as a fallback handler's. */
  readonly report?: (error: unknown) => void;
  /** Told of faults of our own. The call concerned goes on as without us. */
  readonly fault?: (error: unknown) => void;
  /** What puts the strategies of a policy together; scripted ones, in tests. */
  readonly buildStages?: StageBuilder;
}

/** Finds the pipeline of a call and runs calls through it. Knows no HTTP client. */
export class Engine implements CallEngine {
  readonly #context: CallContext;
  readonly #deps: PipelineDeps;
  #rules: Rules;
  #origins: OriginTable;
  #registry: UpstreamRegistry;

  constructor(options: EngineOptions) {
    const fault = options.fault ?? (() => {});
    this.#context = { clock: options.clock, listener: options.listener, current: undefined, fault };
    const context = this.#context;
    this.#deps = {
      buildStages: options.buildStages ?? buildStages,
      clock: options.clock,
      random: options.random,
      wallClockMs: Date.now,
      report: options.report ?? (() => {}),
      emit(event, source) {
        if (context.current !== undefined) context.current.reported = true;
        context.listener.event(event, source, context.current);
      },
    };
    this.#rules = options.rules;
    this.#origins = new OriginTable(options.rules, 2 * options.rules.maxUpstreams);
    this.#registry = new UpstreamRegistry(options.rules.maxUpstreams);
  }

  /** Replaces the rules. Upstreams start afresh; calls under way end under the rules they began with. */
  configure(rules: Rules): void {
    this.#rules = rules;
    this.#origins = new OriginTable(rules, 2 * rules.maxUpstreams);
    this.#registry = new UpstreamRegistry(rules.maxUpstreams);
  }

  /** Forgets every upstream: circuits, windows, limits, budgets, caches. Calls under way end with what they began with. */
  reset(): void {
    this.configure(this.#rules);
  }

  /** The pipeline a call belongs to; undefined: it is to be left alone. On the path of every call. */
  route(protocol: string, host: string, port: number, method: string, path: string): Pipeline | undefined {
    const known = this.#origins.lookup(protocol, host, port);
    const { fixed } = known.rules;
    if (fixed === undefined) return this.#pipelineOf(known, known.rules.match(method, path));
    if (known.pipeline !== undefined && !known.pipeline.evicted) return known.pipeline;
    known.pipeline = this.#pipelineOf(known, fixed.assignment);
    return known.pipeline;
  }

  open(pipeline: Pipeline, exchange: Exchange): Execution {
    return new Execution(this.#context, pipeline, exchange);
  }

  snapshots(): UpstreamSnapshot[] {
    const nowMs = this.#context.clock.now();
    return Array.from(this.#registry.values(), (pipeline) => snapshotOf(pipeline, nowMs));
  }

  /** The circuit breakers of that name, one per policy that has the upstream. */
  circuits(name: string): CircuitBreaker[] {
    const all = Array.from(this.#registry.values(), (pipeline) => pipeline.parts.breakers).flat();
    return all.filter((breaker) => breaker.name === name);
  }

  now(): number {
    return this.#context.clock.now();
  }

  #pipelineOf(known: KnownOrigin, assignment: Assignment | undefined): Pipeline | undefined {
    if (assignment === undefined) return undefined;
    const upstream = assignment.upstream ?? known.origin.name;
    return this.#registry.get(assignment.policy.name, upstream) ?? this.#create(upstream, assignment);
  }

  #create(upstream: string, assignment: Assignment): Pipeline {
    const identity = { upstream, mode: this.#rules.mode, assignment };
    const pipeline = buildPipeline(identity, this.#deps);
    const nowMs = this.#context.clock.now();
    pipeline.lastUsedMs = nowMs;
    this.#registry.add(pipeline, nowMs);
    return pipeline;
  }
}
