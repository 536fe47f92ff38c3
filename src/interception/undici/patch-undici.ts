import diagnostics from 'node:diagnostics_channel';
import type { CallEngine } from '../../engine/exchange.ts';
import type { ExtraHeaders } from '../extra-headers.ts';
import { makeDispatch } from './dispatch.ts';
import { onFirstFetch } from './fetch-entry.ts';
import { UndiciInstances } from './undici-instances.ts';

/** Published by every copy of undici from version 5 on, whenever it opens a connection. */
const BEFORE_CONNECT = 'undici:client:beforeConnect';

export interface UndiciPatchOptions {
  readonly engine: CallEngine;
  /** Whether a call made now is to be left alone, whatever the rules say. */
  readonly bypass: () => boolean;
  readonly extraHeaders?: ExtraHeaders | undefined;
  /** Hears of failures of our own code. The call in question goes on without us. */
  readonly report: (error: unknown) => void;
  /** Tells the listener of every CommonJS `require` that returns; gives the function that ends it. */
  readonly onRequire: (listener: (id: string, exports: unknown) => void) => () => void;
}

let active: UndiciInstances | undefined;
/** Given to `instrumentUndici` so far; remembered for patches to come. */
const given = new Set<object>();

/**
 * Puts global fetch and every copy of undici, loaded or yet to be, under the engine. Loads nothing itself: each copy is
 * patched when the app brings it in. Gives the undo.
 */
export function patchUndici(options: UndiciPatchOptions): () => void {
  const { report } = options;
  const instances = new UndiciInstances((instance) => makeDispatch(instance, options));
  const guarded = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      report(error);
    }
  };
  const lookAtGlobals = (): void => guarded(() => instances.lookAtGlobalSlots());

  guarded(() => instances.lookAtLoadedModules(require.cache));
  for (const module of given) guarded(() => instances.module(module));
  lookAtGlobals();
  const undoRequire = options.onRequire((id, exports) => guarded(() => instances.required(id, exports)));
  const undoFetch = onFirstFetch(lookAtGlobals);
  // A copy that came by no `require` (bundled into the app) shows up here at the latest, if it is the global one.
  diagnostics.subscribe(BEFORE_CONNECT, lookAtGlobals);
  active = instances;
  return () => {
    if (active === instances) active = undefined;
    diagnostics.unsubscribe(BEFORE_CONNECT, lookAtGlobals);
    undoFetch();
    undoRequire();
    instances.undo();
  };
}

/** Puts a copy of undici that cannot be found, because a bundler hid it, under the engine: give it the copy's exports. */
export function instrumentUndici(undici: object): void {
  given.add(undici);
  active?.module(undici);
}
