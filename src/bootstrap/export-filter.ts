import type { Engine } from '../engine/engine.ts';
import type { CallEngine, Exchange, ExchangeListener } from '../engine/exchange.ts';
import type { Pipeline } from '../engine/pipeline.ts';
import { isVendorExport } from './vendor-exports.ts';

/** The engine as the adapters see it: calls that carry the telemetry of others never get to it. */
export class ExportFilter implements CallEngine {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  route(
    protocol: string,
    host: string,
    port: number,
    method: string,
    path: string,
    fields: unknown,
  ): Pipeline | undefined {
    if (isVendorExport(port, path, fields)) return undefined;
    return this.#engine.route(protocol, host, port, method, path);
  }

  open(pipeline: Pipeline, exchange: Exchange): ExchangeListener {
    return this.#engine.open(pipeline, exchange);
  }
}
