import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';

import type { Attempt, CallEngine, ExchangeListener } from '../../engine/exchange.ts';
import type { ExtraHeaders } from '../extra-headers.ts';
import { type Undo, UndoStack } from '../patch.ts';
import { withFields } from './call/added-headers.ts';
import type { CallSite } from './call/call-site.ts';
import { type Protocol, readTarget } from './call/call-target.ts';
import { HttpExchange } from './call/http-exchange.ts';
import { startDirect, startRelayed, startWaiting } from './call/start-call.ts';
import { patchChannels } from './patch/client-channels.ts';
import { type Depth, PatchedModule } from './patch/patched-module.ts';
import { patchPrototypes } from './patch/prototype-patches.ts';

export interface HttpAdapterOptions {
  readonly engine: CallEngine;
  /** Whether the calls made right now are to be left alone: an exporter's, for instance. */
  readonly bypass: () => boolean;
  readonly extraHeaders?: ExtraHeaders | undefined;
  /** Told of faults of our own. The call concerned goes its way as without us. */
  readonly report: (error: unknown) => void;
}

/** A call that the engine has judged. */
interface Judged {
  readonly exchange: HttpExchange;
  readonly listener: ExchangeListener;
  /** The attempt to make at once; undefined: the call waits, or is refused. */
  readonly first: Attempt | undefined;
  readonly buffersOutcome: boolean;
}

/** Leads calls of `node:http` and `node:https` through the engine. */
export class HttpAdapter {
  readonly #options: HttpAdapterOptions;
  readonly #modules: Readonly<Record<Protocol, PatchedModule>>;

  constructor(options: HttpAdapterOptions) {
    this.#options = options;
    const depth: Depth = { making: 0 };
    const handle = (module: PatchedModule, args: unknown[], layers: number): ClientRequest =>
      this.#call(module, args, layers);
    this.#modules = {
      'http:': new PatchedModule('http:', http, depth, handle),
      'https:': new PatchedModule('https:', https, depth, handle),
    };
  }

  install(): Undo {
    const undos = new UndoStack();
    undos.add(syncBuiltinESMExports);
    undos.add(patchPrototypes(this.#options.report));
    undos.add(patchChannels(this.#options.report));
    for (const module of Object.values(this.#modules)) undos.add(module.install());
    syncBuiltinESMExports();
    return () => undos.undo();
  }

  /** Sees to it that ours are the outermost wrappers; cheap when they are. */
  reassert(): void {
    const changed = Object.values(this.#modules).filter((module) => module.reassert());
    if (changed.length > 0) syncBuiltinESMExports();
  }

  /** The same for the bindings that an ESM loader hook keeps of `name`. */
  reassertNamespace(name: string, namespace: Record<string, unknown>): void {
    this.reassert();
    this.#modules[name.endsWith('https') ? 'https:' : 'http:'].reassertNamespace(namespace);
  }

  #call(module: PatchedModule, args: unknown[], layers: number): ClientRequest {
    const judged = this.#judge(module, args, layers);
    if (judged === undefined) return module.inner(args, layers);
    const { exchange, listener, first, buffersOutcome } = judged;
    if (first === undefined) return startWaiting(exchange, listener);
    return buffersOutcome ? startRelayed(exchange, listener, first) : startDirect(exchange, listener, first);
  }

  /** Undefined: the call is none of ours, or we have failed to deal with it before there was anything to see of it. */
  #judge(module: PatchedModule, args: unknown[], layers: number): Judged | undefined {
    const { engine, bypass, extraHeaders, report } = this.#options;
    try {
      const before = module.layers;
      if (bypass()) return undefined;
      // Asking may have started an SDK; what it put on now is new to this call as well.
      const through = layers + module.layers - before;
      const asked = readTarget(module, args);
      if (asked === undefined) return undefined;
      const pipeline = engine.route(
        asked.protocol,
        asked.host,
        asked.port,
        asked.method,
        asked.path,
        asked.options?.headers,
      );
      if (pipeline === undefined) return undefined;
      const fields = extraHeaders?.();
      const { target, args: made } = fields ? withFields({ target: asked, args }, fields) : { target: asked, args };
      const { buffersOutcome, maxReplayBytes } = pipeline;
      const site: CallSite = { module, args: made, layers: through, maxReplayBytes, modules: this.#modules, report };
      const exchange = new HttpExchange(target, site);
      const listener = engine.open(pipeline, exchange);
      return { exchange, listener, first: listener.begin(), buffersOutcome };
    } catch (error) {
      report(error);
      return undefined;
    }
  }
}
