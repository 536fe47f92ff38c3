import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import type { CallEngine } from '../../engine/exchange.ts';
import type { ExtraField, ExtraHeaders } from '../extra-headers.ts';
import { type Undo, UndoStack } from '../patch.ts';
import type { CallArguments } from './added-headers.ts';
import { type CallTarget, type Protocol, readTarget } from './call-target.ts';
import type { DirectCall } from './direct-call.ts';
import type { CallSite } from './http-exchange.ts';
import { type Depth, PatchedModule } from './patched-module.ts';
import { installSensors } from './prototype-patches.ts';
import type { RelayedCall } from './relayed-call.ts';

export interface HttpAdapterOptions {
  readonly engine: CallEngine;
  /** Whether the calls made right now are to be left alone: an exporter's, for instance. */
  readonly bypass: () => boolean;
  readonly extraHeaders?: ExtraHeaders | undefined;
  /** Told of faults of our own. The call concerned goes its way as without us. */
  readonly report: (error: unknown) => void;
}

interface Calls {
  readonly Direct: typeof DirectCall;
  readonly Relayed: typeof RelayedCall;
}

/** With the first call there is something to do for: most of this folder. */
function loadCalls(): Calls {
  const direct = require('./direct-call.js') as typeof import('./direct-call.ts');
  const relayed = require('./relayed-call.js') as typeof import('./relayed-call.ts');
  return { Direct: direct.DirectCall, Relayed: relayed.RelayedCall };
}

/** Leads calls of `node:http` and `node:https` through the engine. */
export class HttpAdapter {
  readonly #options: HttpAdapterOptions;
  readonly #modules: Readonly<Record<Protocol, PatchedModule>>;
  #calls: Calls | undefined;

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
    undos.add(installSensors(this.#options.report));
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
    const call = this.#begin(module, args, layers);
    return call === undefined ? module.inner(args, layers) : call.start();
  }

  /** Undefined: the call is none of ours, or we have failed to deal with it before there was anything to see of it. */
  #begin(module: PatchedModule, args: unknown[], layers: number): DirectCall | RelayedCall | undefined {
    const { engine, bypass, extraHeaders, report } = this.#options;
    try {
      const before = module.layers;
      if (bypass()) return undefined;
      // Asking may have started an SDK; what it put on now is new to this call as well.
      const through = layers + module.layers - before;
      const asked = readTarget(module.protocol, args);
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
      const { target, args: made } = fields ? adding(fields, asked, args) : { target: asked, args };
      const { buffersOutcome, maxReplayBytes } = pipeline;
      const site: CallSite = { module, args: made, layers: through, maxReplayBytes, modules: this.#modules, report };
      this.#calls ??= loadCalls();
      const call = buffersOutcome ? new this.#calls.Relayed(target, site) : new this.#calls.Direct(target, site);
      call.begin(engine.open(pipeline, call));
      return call;
    } catch (error) {
      report(error);
      return undefined;
    }
  }
}

/** Loaded where there is something to add, which is rare. */
function adding(fields: readonly ExtraField[], target: CallTarget, args: readonly unknown[]): CallArguments {
  const { withFields } = require('./added-headers.js') as typeof import('./added-headers.ts');
  return withFields({ target, args }, fields);
}
