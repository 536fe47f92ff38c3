import http from 'node:http';
import type { Socket } from 'node:net';
import { replaceProperty, resemble, type Undo, UndoStack } from '../../patch.ts';
import type { RequestInternals, WriteCallback } from '../node-internals/internals.ts';
import { RequestBrand, type RequestHooks } from './request-hooks.ts';

/*
 * One set of overrides on the prototypes of request and response, for all requests, instead of own properties, closures
 * and listeners on each: a request without hooks costs a look for the brand, and nobody sees a trace on its objects.
 * They run several times per call: no closures, and arguments are passed on one by one.
 */

type Method = (this: unknown, ...args: unknown[]) => unknown;
type PatchedName = 'emit' | 'destroy' | 'uncork' | 'onSocket' | '_writeRaw' | '_implicitHeader';
type Report = (error: unknown) => void;

const requestPrototype = http.ClientRequest.prototype as unknown as Record<
  PatchedName | keyof RequestInternals,
  Method
>;
const { onSocket: plainOnSocket, destroy: plainDestroy, uncork: plainUncork } = requestPrototype;

/** Node's own `onSocket`, past the patch. */
export function giveSocket(request: http.ClientRequest, socket: Socket | null | undefined, error?: Error | null): void {
  plainOnSocket.call(request, socket, error);
}

/** Node's own `destroy`, past the patch. */
export function destroyPlain(request: http.ClientRequest, error: Error | undefined): void {
  plainDestroy.call(request, error);
}

/** Node's own `uncork`, past the patch. */
export function uncorkPlain(request: http.ClientRequest): void {
  plainUncork.call(request);
}

/** Emits past the patch: to the listeners, whoever else wraps `emit` on the way included. */
export function emitPlain(request: http.ClientRequest, type: string, value?: unknown): boolean {
  return http.OutgoingMessage.prototype.emit.call(request, type, value);
}

/** Emits by the patch, past an `emit` of the object's own. Only upgrades have more than one value. */
export function emitPatched(
  request: http.ClientRequest,
  type: unknown,
  value: unknown,
  second: unknown,
  third: unknown,
): boolean {
  const values = type === 'upgrade' || type === 'connect' ? [value, second, third] : [value];
  return requestPrototype.emit.call(request, type, ...values) as boolean;
}

/** With the very number of arguments: listeners can tell. */
function emitInherited(inherited: Method, self: unknown, args: ArrayLike<unknown>): unknown {
  switch (args.length) {
    case 1:
      return inherited.call(self, args[0]);
    case 2:
      return inherited.call(self, args[0], args[1]);
    default:
      return Reflect.apply(inherited, self, args);
  }
}

function requestEmit(report: Report): Method {
  const parent = http.OutgoingMessage.prototype as unknown as { emit: Method };
  return function emit(this: unknown, type?: unknown, value?: unknown, second?: unknown, third?: unknown): unknown {
    const hooks = RequestBrand.of(this as object);
    if (hooks !== undefined) {
      try {
        const answer = hooks.requestEvent(type, value, second, third);
        if (answer !== undefined) return answer;
      } catch (error) {
        report(error);
      }
      const context = hooks.emissionContext();
      // biome-ignore lint/complexity/noArguments: a rest parameter is an array for every event
      if (context !== undefined) return context.runInAsyncScope(emitInherited, undefined, parent.emit, this, arguments);
    }
    // biome-ignore lint/complexity/noArguments: a rest parameter is an array for every event
    return emitInherited(parent.emit, this, arguments);
  };
}

/** Of the request of a response; what a server receives has none. */
function hooksOf(response: http.IncomingMessage & { req?: object | null }): RequestHooks | undefined {
  return response.req ? RequestBrand.of(response.req) : undefined;
}

function responseEmit(report: Report): Method {
  const parent = Object.getPrototypeOf(http.IncomingMessage.prototype) as { emit: Method };
  return function emit(this: unknown, type?: unknown, value?: unknown): unknown {
    if (type === 'end' || type === 'close' || type === 'aborted' || type === 'error') {
      const hooks = hooksOf(this as http.IncomingMessage);
      if (hooks !== undefined) {
        try {
          const answer = hooks.responseEvent(this as http.IncomingMessage, type, value);
          if (answer !== undefined) return answer;
        } catch (error) {
          report(error);
        }
      }
    }
    // biome-ignore lint/complexity/noArguments: a rest parameter is an array for every event
    return emitInherited(parent.emit, this, arguments);
  };
}

function connectionMethods(report: Report): Partial<Record<PatchedName, Method>> {
  const { destroy, onSocket } = requestPrototype;
  return {
    destroy(error?: unknown) {
      const hooks = RequestBrand.of(this as object);
      if (hooks !== undefined) {
        try {
          if (hooks.destroying(error as Error | undefined)) return this;
        } catch (fault) {
          report(fault);
        }
      }
      return destroy.call(this, error);
    },
    onSocket(socket?: unknown, error?: unknown) {
      const hooks = RequestBrand.of(this as object);
      if (hooks !== undefined) {
        try {
          if (hooks.socketGiven(socket as Socket, error as Error | undefined)) return;
        } catch (fault) {
          report(fault);
        }
      }
      onSocket.call(this, socket, error);
    },
  };
}

function writeMethods(report: Report): Partial<Record<PatchedName, Method>> {
  const { uncork, _writeRaw: writeRaw, _implicitHeader: implicitHeader } = requestPrototype;
  return {
    uncork() {
      const hooks = RequestBrand.of(this as object);
      if (hooks !== undefined) {
        try {
          if (hooks.uncorking()) return;
        } catch (fault) {
          report(fault);
        }
      }
      uncork.call(this);
    },
    _writeRaw(data?: unknown, encoding?: unknown, callback?: unknown, size?: unknown) {
      const hooks = RequestBrand.of(this as object);
      if (hooks === undefined) return writeRaw.call(this, data, encoding, callback, size);
      const swapped = typeof encoding === 'function';
      let put = (swapped ? encoding : callback) as WriteCallback | undefined;
      try {
        put = hooks.writing(data as string, swapped ? null : encoding, put);
      } catch (fault) {
        report(fault);
      }
      return writeRaw.call(this, data, swapped ? null : encoding, put, size);
    },
    _implicitHeader() {
      const hooks = RequestBrand.of(this as object);
      if (hooks === undefined) {
        implicitHeader.call(this);
        return;
      }
      let rendered: (() => void) | undefined;
      try {
        rendered = hooks.headRendering();
      } catch (fault) {
        report(fault);
      }
      implicitHeader.call(this);
      try {
        rendered?.();
        hooks.headRendered();
      } catch (fault) {
        report(fault);
      }
    },
  };
}

/** Puts the patches in place. */
export function patchPrototypes(report: Report): Undo {
  const undos = new UndoStack();
  const { emit } = http.ClientRequest.prototype;
  undos.add(replaceProperty(requestPrototype, 'emit', resemble(requestEmit(report), emit)));
  undos.add(replaceProperty(http.IncomingMessage.prototype, 'emit', resemble(responseEmit(report), emit)));
  for (const [name, method] of Object.entries({ ...connectionMethods(report), ...writeMethods(report) })) {
    const original = requestPrototype[name as PatchedName];
    undos.add(replaceProperty(requestPrototype, name, resemble(method, original)));
  }
  return () => undos.undo();
}
