import type { Engine, EngineOptions } from '../engine/engine.ts';
import type { Exchange } from '../engine/exchange.ts';
import type { Execution } from '../engine/execution.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import type { UpstreamSnapshot } from '../engine/snapshot.ts';
import type { Rules } from '../strategies/shared/policy.ts';
import { isVendorExport } from './vendor-exports.ts';

/**
 * The engine, loaded with the first call: half of what there is to load at start-up is of no use to a process that makes
 * no call, or makes its first one later.
 */
export class LazyEngine {
  readonly #options: Omit<EngineOptions, 'rules'>;
  #rules: Rules;
  #engine: Engine | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#rules = options.rules;
  }

  /** Undefined before the first call. */
  get engine(): Engine | undefined {
    return this.#engine;
  }

  route(protocol: string, host: string, port: number, method: string, path: string): Pipeline | undefined {
    if (isVendorExport(port, path)) return undefined;
    const engine = this.#engine ?? this.#load();
    return engine.route(protocol, host, port, method, path);
  }

  open(pipeline: Pipeline, exchange: Exchange): Execution {
    const engine = this.#engine ?? this.#load();
    return engine.open(pipeline, exchange);
  }

  configure(rules: Rules): void {
    this.#rules = rules;
    this.#engine?.configure(rules);
  }

  snapshots(): UpstreamSnapshot[] {
    return this.#engine?.snapshots() ?? [];
  }

  #load(): Engine {
    const { Engine } = require('../engine/engine.js') as typeof import('../engine/engine.ts');
    this.#engine = new Engine({ ...this.#options, rules: this.#rules });
    return this.#engine;
  }
}
