import { createRequire } from 'node:module';
import { onRequire } from '../module-hook.ts';
import { watchNamespaces } from '../namespace-hook.ts';
import { type Undo, UndoStack } from '../patch.ts';
import { HttpAdapter, type HttpAdapterOptions } from './http-adapter.ts';

export interface HttpPatch {
  readonly undo: Undo;
  /**
   * Has tracers that wait for the first `require` of http patch it now, and ends up outside of them. For the moment when
   * an SDK has been started and the app has not: an ES module may never require anything.
   */
  readonly finalize: () => void;
}

const requireHere = createRequire(__filename);

/** Leads all calls of `node:http` and `node:https` through the engine, outside of all tracers, now and later. */
export function patchHttp(options: HttpAdapterOptions): HttpPatch {
  const adapter = new HttpAdapter(options);
  const undos = new UndoStack();
  undos.add(adapter.install());
  const settle = (name: string, namespace: Record<string, unknown>): void => {
    if (/^(?:node:)?https?$/.test(name)) adapter.reassertNamespace(name, namespace);
  };
  undos.add(
    onRequire((id, exports) => {
      adapter.reassert();
      watchNamespaces(id, exports, settle);
    }),
  );
  return {
    undo: () => undos.undo(),
    finalize() {
      // Through `Module.prototype.require`, which is where tracers listen.
      requireHere('http');
      requireHere('https');
      adapter.reassert();
    },
  };
}
